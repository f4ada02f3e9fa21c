import Protobuf

/// A `ModelInferRequest` as far as it must be read before it is known which model it is for.
package struct InferMessage: Sendable {
    package private(set) var modelName = ""
    package private(set) var modelVersion = ""

    /// - Parameter message: lent for the call.
    package init(_ message: UnsafeRawBufferPointer) throws(OpenInferenceError) {
        do throws(ProtobufError) {
            var reader = unsafe ProtobufReader(message)
            while try reader.next() {
                switch reader.field {
                case 1: modelName = try reader.string()
                case 2: modelVersion = try reader.string()
                default: try reader.skip()
                }
            }
        } catch {
            throw .message(error)
        }
    }
}
