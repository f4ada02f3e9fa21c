import ModelTypes
import Testing

@Suite(.timeLimit(.minutes(3))) struct CategoryHashTests {
    /// What CatBoost 1.2.10 wrote into JSON for texts, of every length that is hashed in its own way.
    private static let texts: [(String, Int)] = [
        ("", 797982799), ("a", -805065478), ("ab", -204718274), ("abc", 978243121), ("abcd", 345588365),
        ("abcde", -1842174072), ("1234567", 215762447), ("12345678", 1054993967), ("123456789", 1389760245),
        ("0123456789abcdef", -1649659113), ("0123456789abcdefg", -445042630), ("é", 468052468), ("-17", -1981090261),
    ]
    private static let lengths: [(Int, Int)] = [
        (24, 690276647), (31, -1111505868), (32, 1002710489), (33, -1085918492), (40, 596213848), (63, 460557804),
        (64, -1636350028), (65, -1260030378), (66, 1992789186), (100, 893286962), (127, 1163635686),
        (128, 1763732954), (129, -1091345096), (191, 72145415), (192, -1288824752), (193, -364569788),
        (257, 434835939),
    ]

    @Test func categoriesAreTheLibrarys() {
        for (text, expected) in Self.texts {
            #expect(CategoryHash.category(text) == UInt32(truncatingIfNeeded: expected), "\(text)")
        }
        for (length, expected) in Self.lengths {
            // Bytes 48 to 122 seven by seven, with a tilde for what is quoted in JSON.
            let bytes = (0..<length).map { index -> UInt8 in
                let byte = UInt8(48 + index * 7 % 75)
                return byte == UInt8(ascii: "\\") ? UInt8(ascii: "~") : byte
            }
            let hash = CategoryHash.category(String(decoding: bytes, as: UTF8.self))
            #expect(hash == UInt32(truncatingIfNeeded: expected), "\(length) bytes")
        }
    }

    @Test func integersAreTheirDigits() {
        for integer in [0, 7, -17, 1_234_567_890_123, .max, .min] {
            #expect(CategoryHash.category(integer) == CategoryHash.category("\(integer)"))
        }
        for number in [0, -0.0, 5, -17, 9_007_199_254_740_992] {
            #expect(CategoryHash.category(ofRow: number) == CategoryHash.category(Int(number)))
        }
    }

    @Test func textsKeepTheirCategoryInARow() {
        for category: UInt32 in [0, 1, 0x7FFF_FFFF, 0x8000_0000, .max] {
            #expect(CategoryHash.category(ofRow: CategoryHash.number(category)) == category)
        }
    }

    @Test func whatNamesNoCategoryIsMissing() {
        #expect(CategoryHash.category("") == CategoryHash.missing)
        for number in [Double.nan, .infinity, -.infinity, 0.5, -1.5, 0x1p-1060, 1e-200, 1e17, -1e300, 0.9999] {
            #expect(CategoryHash.category(ofRow: number) == CategoryHash.missing, "\(number)")
        }
    }

    @Test func categoriesAreSignedPartsOfACombination() {
        #expect(CategoryHash.part(.max) == .max && CategoryHash.part(1) == 1)
        #expect(CategoryHash.combined(0, 0) == 0)
        #expect(CategoryHash.combined(0, 1) == 0x4906_BA49_4954_CB65 &* 0x4906_BA49_4954_CB65)
    }
}
