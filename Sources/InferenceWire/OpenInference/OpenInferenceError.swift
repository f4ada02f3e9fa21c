package import JSONReader
package import Protobuf

/// Why a request of the Open Inference Protocol cannot be answered. Its text is what the client is told; it names the field.
package enum OpenInferenceError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The JSON is broken, or a value in it is of another kind than its field takes.
    case json(field: String, JSONError)
    /// The bytes are no message of the protocol.
    case message(ProtobufError)
    /// A field's value is not one that can be served.
    case field(String, String)
    /// The rows that the tensors hold; rows and columns are counted from 1.
    case rows(RowError)

    /// Whether the request is sound but larger than is allowed.
    package var isTooLarge: Bool {
        if case .rows(let error) = self { error.isSize } else { false }
    }

    package var description: String {
        switch self {
        case .json(let field, let error): field.isEmpty ? "the request: \(error)" : "\(field): \(error)"
        case .message(let error): "the message: \(error)"
        case .field(let field, let reason): "\(field): \(reason)"
        case .rows(let error): error.description
        }
    }
}
