import Dispatch
import Glibc
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing

@testable import HTTPKernel

/// Answers by the target's path, in each way that a service can.
final class PathService: HTTPService {
    static let gatherLimitBytes = 200_000
    private let executor: PoolExecutor
    private let workers: NIOThreadPool

    init(executor: PoolExecutor, workers: NIOThreadPool) {
        self.executor = executor
        self.workers = workers
    }

    func route(_ head: RequestHead, on connection: ConnectionFacts) -> Route {
        if head.hasPath("/now") { return .respond(Response(ResponseHead(.ok), body: ByteBuffer(string: "now"))) }
        if head.hasPath("/stream") {
            return .stream(on: self.executor) { request, writer in
                let body = try await request.body.collect(limitBytes: 1 << 20)
                try await writer.respond(Response(ResponseHead(.ok), body: body))
            }
        }
        return .gather(limitBytes: Self.gatherLimitBytes)
    }

    func respond(to request: GatheredRequest) -> Answer {
        let fields = request.head.headers.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
        let text = "\(request.head.method.rawValue) \(request.head.target) \(fields) \(String(buffer: request.body))"
        if request.head.hasPath("/large") {
            return .now(Response(ResponseHead(.ok), body: ByteBuffer(bytes: patterned(300_000))))
        }
        if request.head.hasPath("/empty") { return .now(Response(ResponseHead(.noContent))) }
        if request.head.hasPath("/close") {
            return .now(Response(ResponseHead(.ok), body: ByteBuffer(string: text), closing: true))
        }
        if request.head.hasPath("/later") {
            return .later { handle in
                self.workers.submit { _ in handle.complete(Response(ResponseHead(.ok), body: ByteBuffer(string: text)))
                }
            }
        }
        return .now(Response(ResponseHead(.ok), body: ByteBuffer(string: text)))
    }
}

/// How clients reach a server that has direct loops, and how these wait.
enum Way: CaseIterable {
    case tcp, unix, unixBusy

    var busyPoll: Duration { self == .unixBusy ? .microseconds(200) : .zero }

    func listener(_ name: String) -> HTTPListener {
        self == .tcp
            ? .tcp(host: "127.0.0.1", port: 0)
            : .unix(path: "/tmp/lodestore-\(getpid())-\(UInt32.random(in: 0 ... .max))-\(name)", mode: 0o600)
    }
}

/// Two servers with the same service: one whose small requests a direct loop serves, one without.
func withBothServers(
    _ way: Way = .tcp, limits: HTTPLimits = HTTPLimits(),
    _ body: (_ direct: HTTPServer, _ plain: HTTPServer) async throws -> Void
) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loops = try DirectLoops(count: 2, busyPoll: way.busyPoll)
    let executor = PoolExecutor()
    let workers = NIOThreadPool(numberOfThreads: 1)
    workers.start()
    let logger = Logger(label: "test")
    let direct = try await HTTPServer.start(
        [way.listener("direct")], group: group, direct: loops, limits: limits, logger: logger
    ) { _ in PathService(executor: executor, workers: workers) }
    let plain = try await HTTPServer.start(
        [way.listener("plain")], group: group, limits: limits, logger: logger
    ) { _ in PathService(executor: executor, workers: workers) }
    var failure: (any Error)?
    do { try await body(direct, plain) } catch { failure = error }
    for server in [direct, plain] { _ = await server.drain(within: .seconds(5)) }
    try await workers.shutdownGracefully()
    try await loops.shutdownGracefully()
    try await group.shutdownGracefully()
    if let failure { throw failure }
}

/// One connection on a direct loop with a socket pair, and note of what it hands over.
final class DirectHarness {
    let client: CInt
    let loop: DirectLoop
    private let lane: NIOLoopBound<DirectLane>
    let census = Census(limit: 10)

    /// Bytes that a connection which was handed over still had in its socket.
    var leftCounts: [Int] { self.notes.left.withLock { $0 } }

    init(
        busyPoll: BusyPoll = BusyPoll(.zero), clock: @escaping @Sendable () -> UInt64 = { 0 },
        answering: @escaping @Sendable (GatheredRequest) -> Answer
    ) throws {
        var pair: [CInt] = [-1, -1]
        try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &pair) == 0)
        self.client = pair[0]
        let server = pair[1]
        _ = fcntl(server, F_SETFL, O_NONBLOCK)
        var timeout = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(self.client, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        let loop = try DirectLoop(name: "test", busyPoll: busyPoll, clock: clock)
        self.loop = loop
        let census = self.census
        let notes = Notes()
        self.notes = notes
        self.lane = try loop.submit {
            let service = ScriptedService()
            service.answering = answering
            let shared = LoopContext(
                loop: loop, service: service, limits: HTTPLimits(), census: census, clock: { 784_111_777 })
            let lane = DirectLane(loop: loop, shared: shared) { descriptor, _, inheritance in
                var rest = [UInt8](repeating: 0, count: 1 << 20)
                notes.add(inheritance, leftCount: recv(descriptor, &rest, rest.count, CInt(MSG_DONTWAIT)))
                close(descriptor)
            }
            let id = census.enter()!
            lane.serve(server, ConnectionFacts(id: id, peer: nil, local: nil, isTLS: false, listener: "test"))
            return NIOLoopBound(lane, eventLoop: loop)
        }.wait()
    }

    private let notes: Notes

    private final class Notes: Sendable {
        let all = Mutex<[Inheritance]>([])
        let left = Mutex<[Int]>([])

        func add(_ inheritance: Inheritance, leftCount: Int) {
            self.all.withLock { $0.append(inheritance) }
            self.left.withLock { $0.append(max(0, leftCount)) }
        }
    }

    var inheritances: [Inheritance] { self.notes.all.withLock { $0 } }

    /// Returns when the loop has looked at everything that was sent before: it looks at sockets between two rounds of tasks.
    func settle() throws {
        for _ in 0..<2 { try self.loop.submit {}.wait() }
    }

    func send(_ text: String) throws { try self.send(Array(text.utf8)[...]) }

    func send(_ slice: ArraySlice<UInt8>) throws {
        let bytes = Array(slice)
        try #require(Glibc.send(self.client, bytes, bytes.count, CInt(MSG_NOSIGNAL)) == bytes.count)
        try self.settle()
    }

    /// What has come by now.
    func received() -> String {
        var block = [UInt8](repeating: 0, count: 1 << 20)
        let count = recv(self.client, &block, block.count, CInt(MSG_DONTWAIT))
        return String(decoding: block[..<max(0, count)], as: UTF8.self)
    }

    func passSecond() throws {
        let lane = self.lane
        try self.loop.submit { lane.value.shared.passSecond() }.wait()
    }

    func beginRetiring() throws {
        let lane = self.lane
        try self.loop.submit { lane.value.shared.beginRetiring() }.wait()
    }

    /// - Parameter text: sent at once before, so that the loop has not been told of it.
    func beginDraining(behind text: String = "") throws {
        let lane = self.lane
        let client = self.client
        let bytes = Array(text.utf8)
        let count = try self.loop.submit {
            let count = bytes.isEmpty ? 0 : Glibc.send(client, bytes, bytes.count, CInt(MSG_NOSIGNAL))
            lane.value.shared.beginDraining()
            return count
        }.wait()
        try #require(count == bytes.count)
    }

    /// Bytes that the client has sent and the kernel still keeps for the server, with what it needs to keep them.
    var keptBytes: Int { Self.keptBytes(self.client) }

    static func keptBytes(_ client: CInt) -> Int {
        var count: CInt = -1
        return ioctl(client, UInt(TIOCOUTQ), &count) == 0 ? Int(count) : -1
    }

    /// Whether the server's end is still open, as the census counts it.
    var isServed: Bool { self.census.count == 1 && self.inheritances.isEmpty }

    deinit {
        close(self.client)
        self.loop.shutdownGracefully(queue: .global()) { _ in }
    }
}
