import GRPCCore
import NIOCore

/// Calls of gRPC in the log: as requests are, with the call's own status.
extension LoopLog {
    /// Notes the answer to a call, or to one message of a stream; to be called once for each.
    ///
    /// - Parameters:
    ///   - path: the method's, as in the request.
    ///   - began: when the call was here.
    ///   - facts: what more is known of it; asked only when it has a line.
    func note(
        _ reply: Result<ByteBuffer, any Error>, to message: ByteBuffer, path: String, began: UInt64,
        facts: (inout AccessLog.Line) -> Void = { _ in }
    ) {
        note {
            let status: Int
            var sentBytes = 0
            switch reply {
            case .success(let reply): (status, sentBytes) = (0, reply.readableBytes)
            case .failure(let error):
                status = ((error as? OpenInferenceRefusal)?.rpcErrorCode ?? .unknown).rawValue
            }
            var line = AccessLog.Line(.call(path: path, status: status))
            line.receivedBytes = message.readableBytes
            line.sentBytes = sentBytes
            line.nanoseconds = Inquiry.now() &- began
            facts(&line)
            return line
        }
    }
}
