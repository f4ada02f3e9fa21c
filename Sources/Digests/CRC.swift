import CChecksum

/// A reflected cyclic redundancy check of 32 or 64 bits, started from and finished with all ones.
///
/// The register stands in the low bits of a 64-bit word for both widths; bit 0 is the coefficient of the highest power.
/// Long inputs are folded with carry-less multiplication where the processor has it; ``reference(_:_:)`` is the plain table
/// walk that everything is tested against.
///
/// Source: the Rocksoft parameters of CRC-32/ISO-HDLC, CRC-32/ISCSI and CRC-64/NVME.
package struct CRC: Sendable {
    package static let crc32 = CRC(reflectedPolynomial: 0xEDB8_8320, bitWidth: 32)
    package static let crc32c = CRC(reflectedPolynomial: 0x82F6_3B78, bitWidth: 32)
    package static let crc64nvme = CRC(reflectedPolynomial: 0x9A6C_9329_AC4B_C9B5, bitWidth: 64)

    package let bitWidth: Int
    private let polynomial: UInt64
    /// Eight tables of 256: table `n` holds the remainder of each byte followed by `n` zero bytes.
    private let tables: [UInt64]
    /// For folding: x^575, x^511, x^191 and x^127 modulo the polynomial, each reflected in 64 bits.
    private let foldingConstants: [UInt64]
    private let canFold: Bool

    /// Below this the set-up of folding costs more than it saves.
    private static let foldingThresholdBytes = 128

    init(reflectedPolynomial polynomial: UInt64, bitWidth: Int) {
        precondition(bitWidth == 32 || bitWidth == 64)
        self.polynomial = polynomial
        self.bitWidth = bitWidth
        var tables = [UInt64](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var remainder = UInt64(byte)
            for _ in 0..<8 { remainder = remainder & 1 == 1 ? (remainder >> 1) ^ polynomial : remainder >> 1 }
            tables[byte] = remainder
        }
        for index in 256..<(8 * 256) {
            let shorter = tables[index - 256]
            tables[index] = tables[Int(shorter & 0xFF)] ^ (shorter >> 8)
        }
        self.tables = tables
        self.foldingConstants = [575, 511, 191, 127].map { exponent in
            Self.power(exponent, polynomial: polynomial, bitWidth: bitWidth) << UInt64(64 - bitWidth)
        }
        self.canFold = lodestore_crc_can_fold()
    }

    private var allOnes: UInt64 { UInt64.max >> UInt64(64 - bitWidth) }

    // MARK: Values

    /// The value of no bytes, from which ``update(_:_:)`` goes on.
    package var empty: UInt64 { 0 }

    /// The value of the bytes that `value` stands for, followed by `bytes`.
    package func update(_ value: UInt64, _ bytes: RawSpan) -> UInt64 {
        guard canFold, bytes.byteCount >= Self.foldingThresholdBytes else { return reference(value, bytes) }
        let foldedByteCount = bytes.byteCount & ~15
        var rest: (UInt64, UInt64) = (0, 0)
        unsafe bytes.withUnsafeBytes { buffer in
            unsafe withUnsafeMutableBytes(of: &rest) { rest in
                unsafe lodestore_crc_fold(
                    buffer.baseAddress!.assumingMemoryBound(to: UInt8.self), foldedByteCount, value ^ allOnes,
                    foldingConstants,
                    rest.baseAddress!.assumingMemoryBound(to: UInt8.self))
            }
        }
        var register = advance(0, word: UInt64(littleEndian: rest.0))
        register = advance(register, word: UInt64(littleEndian: rest.1))
        return reference(register ^ allOnes, bytes.extracting(droppingFirst: foldedByteCount))
    }

    /// The same, eight bytes a step by tables only.
    package func reference(_ value: UInt64, _ bytes: RawSpan) -> UInt64 {
        var register = value ^ allOnes
        let tables = tables.span
        var offset = 0
        while bytes.byteCount - offset >= 8 {
            // Invariant: offset + 8 <= byteCount, by the condition above; any bits are a UInt64.
            let word = unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
            register = Self.advance(register, word: UInt64(littleEndian: word), tables)
            offset += 8
        }
        while offset < bytes.byteCount {
            let byte = unsafe bytes.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
            register = tables[Int(UInt8(truncatingIfNeeded: register) ^ byte)] ^ (register >> 8)
            offset += 1
        }
        return register ^ allOnes
    }

    /// The value of these bytes alone.
    package func checksum(_ bytes: [UInt8]) -> UInt64 { unsafe update(empty, bytes.span.bytes) }

    /// The value of two runs of bytes one after the other, from the value of each.
    package func combine(_ first: UInt64, _ second: UInt64, secondByteCount: UInt64) -> UInt64 {
        let shift = Self.powerOfBytes(secondByteCount, polynomial: polynomial, bitWidth: bitWidth)
        return Self.multiply(shift, first, polynomial: polynomial, bitWidth: bitWidth) ^ second
    }

    /// A value as S3 writes it, before base64: most significant byte first, 4 or 8 bytes.
    package func bytes(of value: UInt64) -> [UInt8] {
        stride(from: bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> UInt64($0)) }
    }

    /// The value that ``bytes(of:)`` wrote; nil when their count is wrong.
    package func value(of bytes: [UInt8]) -> UInt64? {
        guard bytes.count == bitWidth / 8 else { return nil }
        return bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    // MARK: Table steps

    private func advance(_ register: UInt64, word: UInt64) -> UInt64 { Self.advance(register, word: word, tables.span) }

    @inline(__always)
    private static func advance(_ register: UInt64, word: UInt64, _ tables: borrowing Span<UInt64>) -> UInt64 {
        // Invariant: each index is a table's start plus one byte, below 8 * 256, which init made.
        let mixed = register ^ word
        return unsafe tables[unchecked: 7 * 256 + Int(mixed & 0xFF)]
            ^ tables[unchecked: 6 * 256 + Int(mixed >> 8 & 0xFF)]
            ^ tables[unchecked: 5 * 256 + Int(mixed >> 16 & 0xFF)]
            ^ tables[unchecked: 4 * 256 + Int(mixed >> 24 & 0xFF)]
            ^ tables[unchecked: 3 * 256 + Int(mixed >> 32 & 0xFF)]
            ^ tables[unchecked: 2 * 256 + Int(mixed >> 40 & 0xFF)]
            ^ tables[unchecked: 1 * 256 + Int(mixed >> 48 & 0xFF)]
            ^ tables[unchecked: Int(mixed >> 56)]
    }

    // MARK: Polynomials

    /// The product of two reflected polynomials.
    private static func multiply(_ left: UInt64, _ right: UInt64, polynomial: UInt64, bitWidth: Int) -> UInt64 {
        var product: UInt64 = 0
        var right = right
        var bit = UInt64(1) << UInt64(bitWidth - 1)
        while bit != 0 {
            if left & bit != 0 { product ^= right }
            right = right & 1 == 1 ? (right >> 1) ^ polynomial : right >> 1
            bit >>= 1
        }
        return product
    }

    /// x to the power of `exponent`.
    private static func power(_ exponent: UInt64, polynomial: UInt64, bitWidth: Int) -> UInt64 {
        raise(UInt64(1) << UInt64(bitWidth - 2), to: exponent, polynomial: polynomial, bitWidth: bitWidth)
    }

    /// x to the power of `8 * byteCount`, for any count.
    private static func powerOfBytes(_ byteCount: UInt64, polynomial: UInt64, bitWidth: Int) -> UInt64 {
        let byte = power(8, polynomial: polynomial, bitWidth: bitWidth)
        return raise(byte, to: byteCount, polynomial: polynomial, bitWidth: bitWidth)
    }

    private static func raise(_ base: UInt64, to exponent: UInt64, polynomial: UInt64, bitWidth: Int) -> UInt64 {
        var result = UInt64(1) << UInt64(bitWidth - 1)
        var square = base
        var exponent = exponent
        while exponent != 0 {
            if exponent & 1 == 1 { result = multiply(square, result, polynomial: polynomial, bitWidth: bitWidth) }
            square = multiply(square, square, polynomial: polynomial, bitWidth: bitWidth)
            exponent >>= 1
        }
        return result
    }
}
