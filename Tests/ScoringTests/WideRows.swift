import Foundation
import ModelTypes
import PropertyTesting

/// The 10,000 rows that `Data/Vectors/Models/README.md` describes: every kind of number that a feature may hold, missing ones,
/// extreme and denormal ones among them, and what the reference library answers, as a digest for each block of rows.
struct WideRows {
    static let rowCount = 10_000
    private static let rowsPerBlock = 500

    let featureCount: Int
    /// [rowCount, featureCount]; each number is a Float, or stands for a category's text.
    let features: [Double]
    /// FNV-1a of the margins of each block, as the file has them.
    let digests: [String]

    /// - Parameter path: `wide.txt` of a model's folder.
    init(_ path: String, featureCount: Int, isSparse: Bool = false) throws {
        var random: SeededGenerator?
        var categories: [Int: UInt64] = [:]
        var texts: [Int: UInt64] = [:]
        var integers: [Int: UInt64] = [:]
        var isTame = false
        var digests: [String] = []
        for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
            let words = line.split(separator: " ")
            switch words[0] {
            case "seed": random = UInt64(words[1]).map(SeededGenerator.init(seed:))
            case "text": texts[Int(words[1])!] = UInt64(words[2])!
            case "integer": integers[Int(words[1])!] = UInt64(words[2])!
            case "tame": isTame = true
            case "category": categories[Int(words[1])!] = UInt64(words[2])!
            default: digests.append(String(line))
            }
        }
        guard var random else { throw CocoaError(.fileReadCorruptFile) }
        var features: [Double] = []
        features.reserveCapacity(Self.rowCount * featureCount)
        for _ in 0..<Self.rowCount {
            for column in 0..<featureCount {
                let (a, b) = (random.next(), random.next())
                if let count = categories[column] {
                    features.append(a % 16 < 2 ? .nan : Double(b % count))
                } else if let count = integers[column] {
                    features.append(Double(b % count))
                } else if let count = texts[column] {
                    features.append(
                        a % 16 < 2 ? .nan : CategoryHash.number(CategoryHash.category(Self.text(of: b % count))))
                } else {
                    features.append(isSparse ? Self.sparse(a, b) : Self.dense(a, b, isTame: isTame))
                }
            }
        }
        self.featureCount = featureCount
        self.features = features
        self.digests = digests
    }

    /// The text of a category by its number; `make-catboost-vectors` makes the same.
    private static func text(of number: UInt64) -> String {
        switch number % 4 {
        case 0: "\(number)"
        case 1: "c\(number)"
        case 2: "категория \(number)"
        default: String(repeating: "long-", count: Int(1 + number % 17)) + "\(number)"
        }
    }

    private static func power(_ value: Double, _ exponent: Int) -> Double { scalbn(value, exponent) }

    private static func dense(_ a: UInt64, _ b: UInt64, isTame: Bool) -> Double {
        let sign = a >> 63 == 1 ? -1.0 : 1.0
        switch a % 16 {
        case 0, 1: return isTame && (a >> 16) % 16 != 0 ? power(centred(b), -21) : .nan
        case 2: return 0
        case 3: return -0.0
        case 4: return denormal(sign, b)
        case 5: return power(sign * Double(1 + b % 4), -117)
        case 6: return power(sign * Double((1 << 24) - 1 - b % 1000), isTame ? 36 : 104)
        case 7, 8: return Double(b % 64)
        case 9: return -Double(b % 8) - 0.5
        case 10, 11: return power(centred(b), -33)
        case 12, 13: return power(Double(b % (1 << 24)), Int((a >> 8) % 12) - 24)
        default: return power(centred(b), -21)
        }
    }

    private static func sparse(_ a: UInt64, _ b: UInt64) -> Double {
        switch a % 16 {
        case 0..<10: return 0
        case 10: return .nan
        case 11: return 1
        case 12: return denormal(a >> 63 == 1 ? -1 : 1, b)
        case 13: return Double(b % 8)
        default: return power(centred(b), -21)
        }
    }

    private static func denormal(_ sign: Double, _ b: UInt64) -> Double { power(sign * Double(1 + b % 1000), -149) }
    private static func centred(_ b: UInt64) -> Double { Double(b % (1 << 24)) - Double(1 << 23) }

    /// Digests of [rowCount, marginCount] margins.
    static func digests(_ margins: [Double]) -> [String] {
        let width = margins.count / rowCount
        return stride(from: 0, to: margins.count, by: rowsPerBlock * width).map { start in
            var digest: UInt64 = 0xCBF2_9CE4_8422_2325
            for margin in margins[start..<start + rowsPerBlock * width] {
                // -0 and 0 are one answer.
                var bits = (margin + 0).bitPattern
                for _ in 0..<8 {
                    digest = (digest ^ (bits & 0xFF)) &* 0x0000_0100_0000_01B3
                    bits >>= 8
                }
            }
            let text = String(digest, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
    }
}
