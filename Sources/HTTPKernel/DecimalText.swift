import NIOCore

/// Numbers as digits, straight into the bytes that go out.
enum DecimalText {
    static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        withDigits(of: number) { digits in
            for index in digits.indices { bytes.append(digits[index]) }
        }
    }

    static func append(_ number: UInt64, to buffer: inout ByteBuffer) {
        withDigits(of: number) { digits in _ = unsafe digits.withUnsafeBytes { unsafe buffer.writeBytes($0) } }
    }

    /// Lends the decimal digits of a number.
    private static func withDigits(of number: UInt64, _ body: (Span<UInt8>) -> Void) {
        var digits: InlineArray<20, UInt8> = .init(repeating: 0x30)
        var position = 20
        var rest = number
        repeat {
            position -= 1
            digits[position] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        body(digits.span.extracting(position..<20))
    }
}
