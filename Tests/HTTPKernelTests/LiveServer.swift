import Glibc
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Testing
import Threads

@testable import HTTPKernel

/// Runs streamed handlers on threads of its own, where they may block.
final class PoolExecutor: TaskExecutor {
    private let pool: NIOThreadPool

    init(threadCount: Int = 2) {
        self.pool = NIOThreadPool(numberOfThreads: threadCount)
        self.pool.start()
    }

    deinit { self.pool.shutdownGracefully { _ in } }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = self.asUnownedTaskExecutor()
        self.pool.submit { _ in job.runSynchronously(on: executor) }
    }
}

typealias Handler = @Sendable (StreamedRequest, ResponseWriter) async throws -> Void

/// Routes every request to one streamed handler, but `/ping`, which is answered on the loop.
final class HandlerService: HTTPService {
    private let executor: PoolExecutor
    private let handler: Handler

    init(executor: PoolExecutor, handler: @escaping Handler) {
        self.executor = executor
        self.handler = handler
    }

    func route(_ head: RequestHead, on connection: ConnectionFacts) -> Route {
        head.hasPath("/ping") ? .respond(Response(ResponseHead(.ok))) : .stream(on: self.executor, self.handler)
    }

    func respond(to request: GatheredRequest) -> Answer { .now(Response(ResponseHead(.notFound))) }
}

/// Starts a server on a free port and stops it after the body.
func withServer(
    _ listener: HTTPListener = .tcp(host: "127.0.0.1", port: 0), limits: HTTPLimits = HTTPLimits(),
    shares: ConnectionShares? = nil, handler: @escaping Handler, _ body: (HTTPServer) async throws -> Void
) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let executor = PoolExecutor()
    let server = try await HTTPServer.start(
        [listener], group: group, limits: limits, shares: shares, logger: Logger(label: "test")
    ) { _ in HandlerService(executor: executor, handler: handler) }
    do {
        try await body(server)
        _ = await server.drain(within: .seconds(5))
    } catch {
        _ = await server.drain(within: .seconds(1))
        try await group.shutdownGracefully()
        throw error
    }
    try await group.shutdownGracefully()
}

/// A client of plain blocking calls, so that a test decides when a byte is read and when it is not.
final class SocketClient {
    private(set) var descriptor: CInt

    init(_ address: SocketAddress, receiveBufferBytes: CInt? = nil) throws {
        self.descriptor = socket(CInt(address.protocol.rawValue), CInt(SOCK_STREAM.rawValue), 0)
        var timeout = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(self.descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        if var size = receiveBufferBytes {
            setsockopt(self.descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<CInt>.size))
        }
        let result = address.withSockAddr { connect(self.descriptor, $0, socklen_t($1)) }
        guard result == 0 else { throw SystemError(number: errno) }
    }

    deinit { self.end() }

    func end() {
        if self.descriptor >= 0 { close(self.descriptor) }
        self.descriptor = -1
    }

    /// Closes the sending side only.
    func endSending() { shutdown(self.descriptor, CInt(SHUT_WR)) }

    func send(_ text: String) throws { try self.send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var sentCount = 0
        while sentCount < bytes.count {
            let count = bytes[sentCount...].withUnsafeBytes {
                Glibc.send(self.descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            try #require(count > 0, "send: \(errno)")
            sentCount += count
        }
    }

    /// Sends as much as the other side takes without waiting, up to a limit.
    func sendWhatFits(limit: Int) -> Int {
        let block = [UInt8](repeating: 0x61, count: 64 * 1024)
        var total = 0
        var idleRounds = 0
        while total < limit, idleRounds < 20 {
            let flags = CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)
            let count = Glibc.send(self.descriptor, block, block.count, flags)
            if count > 0 {
                total += count
                idleRounds = 0
            } else {
                // Nothing fits: give the server the time in which it could make room, if it wrongly would.
                var poller = pollfd(fd: self.descriptor, events: Int16(POLLOUT), revents: 0)
                idleRounds = poll(&poller, 1, 20) == 0 ? idleRounds + 1 : idleRounds
            }
        }
        return total
    }

    /// Bytes until so many have come, or the other side has closed.
    func receive(_ count: Int) -> [UInt8] {
        var all: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 64 * 1024)
        while all.count < count {
            let got = recv(self.descriptor, &block, min(block.count, count - all.count), 0)
            guard got > 0 else { break }
            all += block[..<got]
        }
        return all
    }

    /// Whether the other side has closed, or does within a receive's patience, without sending more.
    var isAtEnd: Bool { self.receive(1).isEmpty }

    func receiveAll() -> [UInt8] { self.receive(.max) }

    /// One answer's head, up to its empty line.
    func receiveHead() -> String {
        var all: [UInt8] = []
        while !all.suffix(4).elementsEqual([13, 10, 13, 10]) {
            let byte = self.receive(1)
            guard !byte.isEmpty else { break }
            all += byte
        }
        return String(decoding: all, as: UTF8.self)
    }

    /// One answer with Content-Length.
    func receiveAnswer() -> (head: String, body: [UInt8]) {
        let head = self.receiveHead()
        let length =
            head.split(separator: "\r\n").first { $0.hasPrefix("content-length: ") }.flatMap { Int($0.dropFirst(16)) }
        return (head, self.receive(length ?? 0))
    }
}

/// Bytes that differ along the way, so that a lost or doubled piece shows.
func patterned(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
}

/// Runs what blocks on a thread of its own, so that it keeps none of the pool's from what it waits for.
func onThreadOfItsOwn<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        _ = WorkerThread(name: "blocking-test") { continuation.resume(with: Result(catching: work)) }
    }
}
