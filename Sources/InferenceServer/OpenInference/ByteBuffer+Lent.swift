import InferenceWire
import NIOCore

extension ByteBuffer {
    /// Lends the readable bytes to a reader, whose errors become refusals.
    func lent<Value>(
        _ read: (UnsafeRawBufferPointer) throws(OpenInferenceError) -> Value
    ) throws(OpenInferenceRefusal) -> Value {
        let result: Result<Value, OpenInferenceRefusal> = unsafe withUnsafeReadableBytes { bytes in
            do throws(OpenInferenceError) {
                return .success(try unsafe read(bytes))
            } catch {
                return .failure(OpenInferenceRefusal(error))
            }
        }
        return try result.get()
    }
}
