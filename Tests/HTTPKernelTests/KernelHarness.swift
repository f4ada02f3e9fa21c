import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import HTTPKernel

/// A service whose answers the test states; it notes what it was asked.
final class ScriptedService: HTTPService {
    var routing: (RequestHead) -> Route = { _ in .gather(limitBytes: 1 << 20) }
    /// By default the answer repeats method, target and body.
    var answering: (GatheredRequest) -> Answer = { request in
        let text = "\(request.head.method.rawValue) \(request.head.target) \(String(buffer: request.body))"
        return .now(Response(ResponseHead(.ok), body: ByteBuffer(string: text)))
    }
    var requests: [GatheredRequest] = []
    var errors: [HTTPKernelError] = []
    /// What a body is charged for; by default all that has come.
    var charging: (_ receivedBytes: Int, _ chargedBytes: Int) -> Int? = { received, _ in received }
    /// What was charged for bodies that did not come.
    var givenBack: [Int] = []

    func charge(_ receivedBytes: Int, charged chargedBytes: Int) -> Int? { self.charging(receivedBytes, chargedBytes) }

    func giveBack(_ chargedBytes: Int) { self.givenBack.append(chargedBytes) }

    func route(_ head: RequestHead, on connection: ConnectionFacts) -> Route { self.routing(head) }

    func respond(to request: GatheredRequest) -> Answer {
        self.requests.append(request)
        return self.answering(request)
    }

    func response(for error: HTTPKernelError, head: RequestHead?) -> Response {
        self.errors.append(error)
        return Response(ResponseHead(error.status), body: ByteBuffer(string: "\(error)"))
    }
}

/// One connection on an embedded channel, with a clock that stands at 784111777 (RFC 9110's example instant).
final class KernelHarness {
    let channel = EmbeddedChannel()
    let service = ScriptedService()
    let shared: LoopContext

    init(limits: HTTPLimits = HTTPLimits(), shares: ConnectionShares? = nil, isTLS: Bool = false) throws {
        self.shared = LoopContext(
            loop: self.channel.eventLoop, service: self.service, limits: limits, census: Census(limit: 1),
            shares: shares, clock: { 784_111_777 })
        self.shared.start()
        self.channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        let facts = ConnectionFacts(id: 1, peer: nil, local: nil, isTLS: isTLS, listener: "test")
        try self.channel.pipeline.syncOperations.addHandler(HTTPConnection(shared: self.shared, facts: facts))
    }

    /// Everything that the connection has sent since the last call.
    func sent() throws -> String {
        self.channel.embeddedEventLoop.run()
        var all = ByteBuffer()
        while let data = try self.channel.readOutbound(as: IOData.self) {
            guard case .byteBuffer(var buffer) = data else { continue }
            all.writeBuffer(&buffer)
        }
        return String(buffer: all)
    }

    func receive(_ text: String) throws { try self.receive(ByteBuffer(string: text)) }

    /// Hostile bytes make the channel report errors that the connection has already answered.
    func receive(_ bytes: ByteBuffer) throws {
        try self.channel.writeInbound(bytes)
    }

    var isOpen: Bool {
        self.channel.embeddedEventLoop.run()
        return self.channel.isActive
    }

    deinit {
        self.shared.stop()
        do { _ = try self.channel.finish(acceptAlreadyClosed: true) } catch { Issue.record(error) }
    }
}

/// Bodies of the answers in a byte stream that all carry Content-Length.
func bodies(_ text: String) -> [String] {
    var bodies: [String] = []
    var rest = Substring(text)
    while let end = rest.firstRange(of: "\r\n\r\n") {
        let head = rest[..<end.lowerBound]
        let count =
            head.split(separator: "\r\n").first { $0.hasPrefix("content-length: ") }
            .flatMap { Int($0.dropFirst(16)) } ?? 0
        rest = rest[end.upperBound...]
        bodies.append(String(rest.prefix(count)))
        rest = rest.dropFirst(count)
    }
    return bodies
}
