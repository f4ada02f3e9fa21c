import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization
import Testing

@testable import HTTPKernel

@Suite(.serialized, .timeLimit(.minutes(3))) struct TLSTests {
    private static let folder = "Data/Vectors/tls/"

    private static func path(_ name: String) -> String {
        let tests = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return "/\(tests)/\(folder)\(name)"
    }

    /// One request over TLS: the answer's bytes until the server closes, and the name in the certificate that it showed.
    private static func get(_ address: SocketAddress) async throws -> (answer: [UInt8], certificate: String) {
        let group = MultiThreadedEventLoopGroup.singleton
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        let context = try NIOSSLContext(configuration: configuration)
        let collected = group.next().makePromise(of: Seen.self)
        let channel = try await ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: nil))
                    try pipeline.addHandler(Collector(collected))
                }
            }
            .connect(to: address).get()
        let request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        try await channel.writeAndFlush(ByteBuffer(string: request)).get()
        let answer = try await collected.futureResult.get()
        return (Array(answer.bytes.readableBytesView), answer.certificate)
    }

    private struct Seen {
        var bytes = ByteBuffer()
        var certificate = "none"
    }

    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        private let promise: EventLoopPromise<Seen>
        private let all = Mutex(Seen())

        init(_ promise: EventLoopPromise<Seen>) { self.promise = promise }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = self.unwrapInboundIn(data)
            let handler = try? context.pipeline.syncOperations.handler(type: NIOSSLClientHandler.self)
            let certificate = handler?.peerCertificate.map { "\($0)" }
            self.all.withLock { seen in
                seen.bytes.writeImmutableBuffer(bytes)
                seen.certificate = certificate ?? seen.certificate
            }
        }

        func channelInactive(context: ChannelHandlerContext) { self.promise.succeed(self.all.withLock { $0 }) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    @Test func filesAndBuffersComeWholeThroughTLSAndCertificatesChangeWhileServing() async throws {
        let live = "/tmp/lodestore-tls-\(getpid())"
        mkdir(live, 0o700)
        func install(_ name: String) throws {
            for kind in ["certificate", "key"] {
                let source = open(Self.path("\(name).\(kind).pem"), O_RDONLY)
                let target = open("\(live)/\(kind).pem", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
                try #require(source >= 0 && target >= 0)
                var bytes = [UInt8](repeating: 0, count: 1 << 16)
                let count = read(source, &bytes, bytes.count)
                try #require(write(target, bytes, count) == count)
                close(source)
                close(target)
            }
        }
        try install("first")
        let identity = try TLSIdentity(certificatePath: "\(live)/certificate.pem", keyPath: "\(live)/key.pem")

        let content = patterned(3_000_000)
        let file = open("\(live)/content", O_RDWR | O_CREAT | O_TRUNC, 0o600)
        try #require(write(file, content, content.count) == content.count)
        defer { close(file) }
        let handler: Handler = { _, writer in
            try await writer.start(ResponseHead(.ok), length: .known(UInt64(content.count) + 2))
            try await writer.write(ByteBuffer(string: "<"))
            try await writer.writeFile(descriptor: file, offset: 0, count: UInt64(content.count))
            try await writer.write(ByteBuffer(string: ">"))
            try await writer.end()
        }
        try await withServer(.tcp(host: "127.0.0.1", port: 0, tls: identity), handler: handler) { server in
            let first = try await Self.get(server.addresses[0])
            #expect(first.answer.suffix(content.count + 2).elementsEqual([0x3C] + content + [0x3E]))
            #expect(first.certificate.contains("first"))

            try install("second")
            try identity.reload()
            #expect(try await Self.get(server.addresses[0]).certificate.contains("second"))

            // A broken file changes nothing that is in use.
            #expect(truncate("\(live)/certificate.pem", 10) == 0)
            #expect(throws: HTTPServerError.self) { try identity.reload() }
            #expect(try await Self.get(server.addresses[0]).certificate.contains("second"))

            // A client that speaks no TLS disturbs nobody.
            let plain = try SocketClient(server.addresses[0])
            try plain.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = plain.receiveAll()
            #expect(try await Self.get(server.addresses[0]).certificate.contains("second"))
        }
    }
}
