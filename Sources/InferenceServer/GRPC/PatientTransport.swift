import GRPCCore
import GRPCNIOTransportHTTP2Posix

/// The transport, with each call's `grpc-timeout` under a name of our own, by which ``InferenceRPCs`` reads it.
///
/// GRPCCore 2.4.3 looks at the field before a handler or an interceptor is asked: a number below zero there fails a
/// precondition, and with it the process. It also has a task sleep for each call that has the field, to cancel a handle that nobody
/// here waits for.
struct PatientTransport: ServerTransport {
    typealias Bytes = HTTP2ServerTransport.Posix.Bytes

    static let timeoutKey = "lodestore-grpc-timeout"

    let transport: HTTP2ServerTransport.Posix

    func configure(context: GRPCServerContext) { transport.configure(context: context) }

    @concurrent func listen(
        streamHandler:
            @escaping @concurrent @Sendable (_ stream: RPCStream<Inbound, Outbound>, _ context: ServerContext) async ->
            Void
    ) async throws {
        try await transport.listen { stream, context in
            let parts = stream.inbound.map { Self.renamed($0) }
            let renamed = RPCStream(
                descriptor: stream.descriptor, inbound: RPCAsyncSequence(wrapping: parts), outbound: stream.outbound)
            await streamHandler(renamed, context)
        }
    }

    func beginGracefulShutdown() { transport.beginGracefulShutdown() }

    private static func renamed(_ part: RPCRequestPart<Bytes>) -> RPCRequestPart<Bytes> {
        guard case .metadata(var metadata) = part,
            let timeout = metadata[stringValues: "grpc-timeout"].first(where: { _ in true })
        else { return part }
        metadata.removeAllValues(forKey: "grpc-timeout")
        metadata.replaceOrAddString(timeout, forKey: timeoutKey)
        return .metadata(metadata)
    }
}
