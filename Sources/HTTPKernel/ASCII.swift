/// The few questions about ASCII text that reading HTTP asks.
package enum ASCII {
    /// Letters made small; every other byte as it is.
    @inline(__always)
    package static func lowercase(_ byte: UInt8) -> UInt8 {
        byte &- 0x41 < 26 ? byte | 0x20 : byte
    }

    /// Whether bytes and text are equal when the case of ASCII letters does not count. Used for field names and codings.
    package static func equalsIgnoringCase(_ bytes: RawSpan, _ text: String) -> Bool {
        let other = text.utf8.span
        guard bytes.byteCount == other.count else { return false }
        for index in 0..<other.count {
            let byte = unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
            guard lowercase(byte) == lowercase(other[index]) else { return false }
        }
        return true
    }

    /// The same for text known at compile time, which must be lower case.
    @inline(__always)
    package static func equalsIgnoringCase(_ bytes: RawSpan, lowercase text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard bytes.byteCount == count else { return false }
        for index in 0..<count {
            let byte = unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
            guard unsafe lowercase(byte) == text.utf8Start[index] else { return false }
        }
        return true
    }
}
