/// The numbers that CatBoost knows categories by.
///
/// Source: `libs/cat_feature/cat_feature.cpp` of CatBoost 1.2: the lower half of CityHash64 in its first version (G. Pike,
/// J. Alakuijala, 2011); `libs/model/hash.h` for combinations.
package enum CategoryHash {
    private static let primes: (UInt64, UInt64, UInt64, UInt64) = (
        0xC3A5_C85C_97CB_3127, 0xB492_B66F_BE98_F273, 0x9AE1_6A3B_2F90_404F, 0xC949_D7C7_509E_6557
    )

    /// What a missing category is: the empty text, as the library reads it from files.
    package static let missing: UInt32 = 0x2F90_404F

    /// - Parameter text: UTF-8. An integer is the text of its decimal digits.
    package static func category(_ text: UnsafeRawBufferPointer) -> UInt32 {
        UInt32(truncatingIfNeeded: unsafe city(Words(text)))
    }

    package static func category(_ text: String) -> UInt32 {
        var text = text
        return text.withUTF8 { unsafe category(UnsafeRawBufferPointer($0)) }
    }

    /// An integer as the text of its decimal digits.
    package static func category(_ integer: Int) -> UInt32 {
        unsafe withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { digits in
            var rest = integer.magnitude
            var first = digits.count
            repeat {
                first -= 1
                unsafe digits[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            if integer < 0 {
                first -= 1
                unsafe digits[first] = UInt8(ascii: "-")
            }
            return unsafe category(UnsafeRawBufferPointer(rebasing: digits[first...]))
        }
    }

    // MARK: Categories as numbers of a row

    private static let scale = 0x1p1000

    /// What stands for a category's text in a row of numbers. It is so small that nobody sends it as a number, so that integers that
    /// come as numbers can be told from it.
    package static func number(_ category: UInt32) -> Double { (Double(category) + 1) / scale }

    /// The category that a row's number stands for: a text's, a whole number's up to 2^53, or else the missing one.
    package static func category(ofRow number: Double) -> UInt32 {
        if number > 0, number < 1 {
            let category = number * scale - 1
            return category >= 0 && category <= Double(UInt32.max) ? UInt32(category) : missing
        }
        guard let integer = Int(exactly: number), integer.magnitude <= 1 << 53 else { return missing }
        return category(integer)
    }

    // MARK: Combinations

    /// The hash of a combination with one more part behind those of `hash`; the hash of no part is 0.
    package static func combined(_ hash: UInt64, _ part: UInt64) -> UInt64 {
        let factor: UInt64 = 0x4906_BA49_4954_CB65
        return factor &* (hash &+ factor &* part)
    }

    /// A category as a part of a combination: a signed number.
    package static func part(_ category: UInt32) -> UInt64 {
        UInt64(bitPattern: Int64(Int32(bitPattern: category)))
    }

    // MARK: CityHash64

    /// A text's bytes as little-endian words.
    @safe private struct Words {
        // Invariant: lent for the time of the hash.
        private let bytes: UnsafeRawBufferPointer
        init(_ bytes: UnsafeRawBufferPointer) { unsafe self.bytes = bytes }
        var count: Int { unsafe bytes.count }
        func byte(_ offset: Int) -> UInt32 { UInt32(unsafe bytes[offset]) }
        func word32(_ offset: Int) -> UInt64 {
            UInt64(UInt32(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
        }
        func word(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
    }

    private static func city(_ text: Words) -> UInt64 {
        switch text.count {
        case 0: primes.2
        case 1...3: upTo3(text)
        case 4...7: mixed(UInt64(text.count) &+ text.word32(0) << 3, text.word32(text.count - 4))
        case 8: mixed(8 &+ text.word32(0) << 3, text.word32(4))
        case 9...16: upTo16(text)
        case 17...32: upTo32(text)
        case 33...64: upTo64(text)
        default: beyond64(text)
        }
    }

    private static func right(_ value: UInt64, _ count: UInt64) -> UInt64 { value >> count | value << (64 - count) }
    private static func folded(_ value: UInt64) -> UInt64 { value ^ value >> 47 }

    /// Two words to one, after Murmur.
    private static func mixed(_ low: UInt64, _ high: UInt64) -> UInt64 {
        let factor: UInt64 = 0x9DDF_EA08_EB38_2D69
        let first = folded((low ^ high) &* factor)
        return folded((high ^ first) &* factor) &* factor
    }

    private static func upTo3(_ text: Words) -> UInt64 {
        let count = text.count
        let front = UInt64(text.byte(0) + text.byte(count >> 1) << 8)
        let back = UInt64(UInt32(count) + text.byte(count - 1) << 2)
        return folded(front &* primes.2 ^ back &* primes.3) &* primes.2
    }

    private static func upTo16(_ text: Words) -> UInt64 {
        let count = UInt64(text.count)
        let last = text.word(text.count - 8)
        return mixed(text.word(0), right(last &+ count, count)) ^ last
    }

    private static func upTo32(_ text: Words) -> UInt64 {
        let count = text.count
        let a = text.word(0) &* primes.1
        let b = text.word(8)
        let c = text.word(count - 8) &* primes.2
        let d = text.word(count - 16) &* primes.0
        return mixed(
            right(a &- b, 43) &+ right(c, 30) &+ d, a &+ right(b ^ primes.3, 20) &- c &+ UInt64(count))
    }

    /// What two passes over 32 bytes each leave: the first from the text's start, the second from its end.
    private static func upTo64(_ text: Words) -> UInt64 {
        let count = text.count
        func pass(_ first: UInt64, _ second: UInt64, _ third: UInt64, _ last: UInt64) -> (UInt64, UInt64) {
            let ends = right(first &+ last, 52)
            let two = first &+ second
            let three = two &+ third
            return (three &+ last, ends &+ right(three, 31) &+ right(first, 37) &+ right(two, 7))
        }
        let start = pass(
            text.word(0) &+ (UInt64(count) &+ text.word(count - 16)) &* primes.0, text.word(8), text.word(16),
            text.word(24))
        let end = pass(
            text.word(16) &+ text.word(count - 32), text.word(count - 24), text.word(count - 16), text.word(count - 8))
        let sum = folded((start.0 &+ end.1) &* primes.2 &+ (end.0 &+ start.1) &* primes.0)
        return folded(sum &* primes.0 &+ start.1) &* primes.2
    }

    private typealias Pair = (first: UInt64, second: UInt64)

    /// 32 bytes and two seeds to two words.
    private static func pair(_ text: Words, at offset: Int, _ a: UInt64, _ b: UInt64) -> Pair {
        let first = a &+ text.word(offset)
        let last = text.word(offset + 24)
        let sum = first &+ text.word(offset + 8) &+ text.word(offset + 16)
        return (sum &+ last, right(b &+ first &+ last, 21) &+ right(sum, 44) &+ first)
    }

    private static func beyond64(_ text: Words) -> UInt64 {
        let count = text.count
        var y = text.word(count - 16) ^ primes.1
        var z = text.word(count - 56) ^ primes.0
        var v = pair(text, at: count - 64, UInt64(count), y)
        var w = pair(text, at: count - 32, UInt64(count) &* primes.1, primes.0)
        z &+= folded(v.second) &* primes.1
        var x = right(z &+ text.word(0), 39) &* primes.1
        y = right(y, 33) &* primes.1
        // Whole blocks of 64 bytes; the last bytes, of which there is always one, are in the state already.
        for offset in stride(from: 0, to: (count - 1) & ~63, by: 64) {
            x = right(x &+ y &+ v.first &+ text.word(offset + 16), 37) &* primes.1 ^ w.second
            y = right(y &+ v.second &+ text.word(offset + 48), 42) &* primes.1 ^ v.first
            z = right(z ^ w.first, 33)
            v = pair(text, at: offset, v.second &* primes.1, x &+ w.first)
            w = pair(text, at: offset + 32, z &+ w.second, y)
            swap(&x, &z)
        }
        return mixed(
            mixed(v.first, w.first) &+ folded(y) &* primes.1 &+ z, mixed(v.second, w.second) &+ x)
    }
}
