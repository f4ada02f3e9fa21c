import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOHTTP2
import NIOPosix
import Testing

@testable import InferenceServer

/// A loop of its own, on which connections and calls of gRPC are handed what a test says and time passes when it says so.
final class GRPCScene {
    let loop = EmbeddedEventLoop()
    let shared: GRPCLoop
    let connection: GRPCConnection
    let socket: EmbeddedChannel
    private var channels: [EmbeddedChannel] = []
    private let registry: ModelRegistry
    private let workers = NIOThreadPool(numberOfThreads: 1)

    init(_ limits: InferenceLimits = InferenceLimits(), _ change: (inout GRPCLimits) -> Void = { _ in }) throws {
        registry = ModelRegistry(groups: [loop], limits: limits)
        let models = OpenInferenceLoop(
            registry: registry, loop: loop, services: InferenceServices(workers: workers, aside: workers),
            limits: limits)
        var bounds = GRPCLimits(limits)
        change(&bounds)
        shared = GRPCLoop(models, bounds, loopCount: 1)
        socket = EmbeddedChannel(loop: loop)
        connection = GRPCConnection(shared)
        try open(socket, connection)
    }

    /// Each test ends with it.
    func finish() {
        for channel in channels {
            channel.flush()
            // Some have been closed, and with an error.
            _ = try? channel.finish(acceptAlreadyClosed: true)
        }
        registry.stop()
    }

    private func open(_ channel: EmbeddedChannel, _ handlers: any ChannelHandler...) throws {
        channels.append(channel)
        try channel.pipeline.syncOperations.addHandlers(handlers)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    /// A further connection.
    func connect() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(loop: loop)
        try open(channel, GRPCConnection(shared))
        return channel
    }

    /// - Parameter isHeard: whether the peer gives signs of life meanwhile.
    func pass(seconds: Int, isHeard: Bool = true) {
        for _ in 0..<seconds {
            if isHeard { socket.pipeline.fireChannelRead(ByteBuffer(string: "ping")) }
            shared.passSecond()
        }
    }

    var admission: Admission { shared.models.table.admission }

    func count(_ kind: Refusal.Kind) -> UInt64 { shared.models.table.statistics.refusals[kind] }

    // MARK: Calls

    /// One call, from HTTP/2's side: what the server's own code sees of it, and what the client is sent.
    final class Call {
        let channel: EmbeddedChannel
        private let seen = Seen()

        /// What passes to the library.
        private final class Seen: ChannelDuplexHandler {
            typealias InboundIn = HTTP2Frame.FramePayload
            typealias OutboundIn = HTTP2Frame.FramePayload
            var bytes = 0

            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                if case .data(let part) = unwrapInboundIn(data) { bytes += part.data.readableBytes }
            }
        }

        /// Counts the reads that reach HTTP/2.
        private final class Reads: ChannelOutboundHandler {
            typealias OutboundIn = HTTP2Frame.FramePayload
            var count = 0

            func read(context: ChannelHandlerContext) {
                count += 1
                context.read()
            }
        }

        private let reads = Reads()

        fileprivate init(_ scene: GRPCScene, method: String, service: String) throws {
            channel = EmbeddedChannel(loop: scene.loop)
            try scene.open(channel, reads, GRPCStream(scene.shared, scene.connection), seen)
            let head = HPACKHeaders([(":method", "POST"), (":path", "/\(service)/\(method)")])
            receive(.headers(.init(headers: head)))
        }

        func receive(_ payload: HTTP2Frame.FramePayload) { channel.pipeline.fireChannelRead(payload) }

        /// The client sends the beginning of a message, in frames of 16 KiB as HTTP/2 has them.
        func send(messageOf byteCount: Int, atOnce: Int? = nil, isLast: Bool = false) {
            var bytes = ByteBuffer(integer: UInt8(0))
            bytes.writeInteger(UInt32(byteCount))
            bytes.writeRepeatingByte(7, count: min(byteCount, atOnce ?? byteCount))
            send(&bytes, isLast: isLast)
        }

        /// More of a message.
        func send(_ byteCount: Int, isLast: Bool = false) {
            var bytes = ByteBuffer(repeating: 7, count: byteCount)
            send(&bytes, isLast: isLast)
        }

        private func send(_ bytes: inout ByteBuffer, isLast: Bool) {
            repeat {
                let slice = bytes.readSlice(length: min(16384, bytes.readableBytes))!
                receive(.data(.init(data: .byteBuffer(slice), endStream: isLast && bytes.readableBytes == 0)))
            } while bytes.readableBytes > 0
        }

        /// The server answers.
        func answer(byteCount: Int = 10, isTaken: Bool = true) {
            var bytes = ByteBuffer(integer: UInt8(0))
            bytes.writeInteger(UInt32(byteCount))
            bytes.writeRepeatingByte(7, count: byteCount)
            let payload = HTTP2Frame.FramePayload.data(.init(data: .byteBuffer(bytes)))
            channel.write(payload, promise: nil)
            if isTaken { channel.flush() }
        }

        func answerHead() {
            channel.writeAndFlush(HTTP2Frame.FramePayload.headers(.init(headers: [":status": "200"])), promise: nil)
        }

        func answerStatus() {
            let trailers = HTTP2Frame.FramePayload.Headers(headers: ["grpc-status": "0"], endStream: true)
            channel.writeAndFlush(HTTP2Frame.FramePayload.headers(trailers), promise: nil)
        }

        func read() { channel.read() }

        func close() throws { try channel.close().wait() }

        /// Message bytes that the library was given.
        var passedBytes: Int { seen.bytes }

        var readCount: Int { reads.count }

        /// What the client is sent next: "8" for a status, "rst 0" for a reset, "data" and "head".
        func sent() throws -> [String] {
            var sent: [String] = []
            while let payload = try channel.readOutbound(as: HTTP2Frame.FramePayload.self) {
                switch payload {
                case .headers(let part): sent.append(part.headers.first(name: "grpc-status") ?? "head")
                case .rstStream(let code): sent.append("rst \(code.networkCode)")
                case .data: sent.append("data")
                default: sent.append("other")
                }
            }
            return sent
        }
    }

    func call(_ method: String = "ModelInfer", service: String = InferenceRPCs.service) throws -> Call {
        try Call(self, method: method, service: service)
    }
}
