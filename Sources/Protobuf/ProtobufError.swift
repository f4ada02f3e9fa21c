/// Why bytes are no protocol-buffers message. Offsets count from the first byte of the outermost message.
package enum ProtobufError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes end inside a value, or a length leads past the end.
    case truncated(offset: Int)
    /// A number of more than ten bytes, or one that does not fit 64 bits.
    case varint(offset: Int)
    /// Field number 0, one above 2^29 - 1, or a wire type that does not exist; groups are not read.
    case tag(offset: Int)
    /// The field is there in another wire type than its message declares.
    case wireType(field: Int, offset: Int)
    /// Text that is not UTF-8.
    case text(offset: Int)

    package var description: String {
        switch self {
        case .truncated(let offset): "the message ends inside a value, at byte \(offset)"
        case .varint(let offset): "a number of more than 64 bits, at byte \(offset)"
        case .tag(let offset): "a field number or wire type that does not exist, at byte \(offset)"
        case .wireType(let field, let offset): "field \(field) has another wire type than declared, at byte \(offset)"
        case .text(let offset): "text that is not UTF-8, at byte \(offset)"
        }
    }
}
