import Glibc
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import HTTPKernel

@Suite(.timeLimit(.minutes(3))) struct DirectConnectionTests {
    private static let repeating: @Sendable (GatheredRequest) -> Answer = { request in
        let text = "\(request.head.target) \(String(buffer: request.body))"
        return .now(Response(ResponseHead(.ok), body: ByteBuffer(string: text)))
    }

    private static func post(_ target: String, _ body: String) -> String {
        "POST \(target) HTTP/1.1\r\nHost: h\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test func answersInOneSendWhatCameInOneBurst() throws {
        let harness = try DirectHarness(answering: Self.repeating)
        try harness.send(Self.post("/a", "one") + Self.post("/b", "") + Self.post("/c", "three"))
        #expect(bodies(harness.received()) == ["/a one", "/b ", "/c three"])
        #expect(harness.isServed)
    }

    @Test func aRequestsTimeBeginsWithTheRoundThatReportedItsLastByte() throws {
        let seen = Mutex<[UInt64]>([])
        let round = Atomic<UInt64>(0)
        let harness = try DirectHarness(clock: { round.add(1, ordering: .relaxed).newValue }) { request in
            seen.withLock { $0.append(request.arrivedNanoseconds) }
            return Self.repeating(request)
        }
        try harness.send(Self.post("/a", "one") + Self.post("/b", "two") + "GET /c HTTP/1.1\r\nHost: h\r\n")
        try harness.send("\r\n")
        let arrived = seen.withLock { $0 }
        #expect(arrived.count == 3)
        #expect(arrived[0] == arrived[1] && arrived[1] < arrived[2])
    }

    @Test func waitsForTheRestOfARequestWhereverItIsCut() throws {
        let request = Array(Self.post("/a", "body").utf8)
        for count in 1..<request.count {
            let harness = try DirectHarness(answering: Self.repeating)
            try harness.send(request.prefix(count))
            #expect(harness.received().isEmpty, "cut at \(count)")
            try harness.send(request.dropFirst(count) + request)
            #expect(bodies(harness.received()) == ["/a body", "/a body"], "cut at \(count)")
        }
    }

    @Test(arguments: [
        "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", "garbage\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\nbegun",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999999999999\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nX: \(String(repeating: "x", count: 40_000))",
    ])
    func handsOverWhatIsNotItsOwnFromTheRequestsFirstByte(unusual: String) throws {
        let harness = try DirectHarness(answering: Self.repeating)
        try harness.send(Self.post("/a", "before") + unusual)
        #expect(bodies(harness.received()) == ["/a before"])
        let inheritance = try #require(harness.inheritances.first)
        #expect(String(buffer: inheritance.unread) == unusual)
        #expect(harness.leftCounts == [0], "what was handed over as unread is no longer in the socket")
        #expect(inheritance.unsent.readableBytes == 0)
        #expect(!inheritance.isClosing)
    }

    @Test func handsOverARequestThatTheClientDoesNotFinish() throws {
        let harness = try DirectHarness(answering: Self.repeating)
        try harness.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nbeg")
        try harness.passSecond()
        #expect(harness.isServed)
        try harness.passSecond()
        #expect(harness.inheritances.map { String(buffer: $0.unread).hasSuffix("beg") } == [true])
    }

    @Test func handsOverAHalfRequestWhenTheClientEndsSending() throws {
        let harness = try DirectHarness(answering: Self.repeating)
        try harness.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nbeg")
        shutdown(harness.client, CInt(SHUT_WR))
        try harness.settle()
        #expect(harness.inheritances.map { String(buffer: $0.unread).hasSuffix("beg") } == [true])
    }

    @Test func handsOverAnswersThatTheClientDoesNotTake() throws {
        let large = patterned(3 << 20)
        let harness = try DirectHarness { _ in .now(Response(ResponseHead(.ok), body: ByteBuffer(bytes: large))) }
        try harness.send(Self.post("/a", ""))
        let inheritance = try #require(harness.inheritances.first)
        var all: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = recv(harness.client, &block, block.count, 0)
            guard count > 0 else { break }
            all += block[..<count]
        }
        all += Array(inheritance.unsent.readableBytesView)
        #expect(all.suffix(large.count).elementsEqual(large))
        #expect(all.count < large.count + 200)
    }

    @Test func closesAnIdleConnectionAndKeepsABusyOne() throws {
        let harness = try DirectHarness(answering: Self.repeating)
        for _ in 0..<70 { try harness.passSecond() }
        try harness.send(Self.post("/a", ""))
        for _ in 0..<70 { try harness.passSecond() }
        #expect(harness.isServed)
        for _ in 0..<7 { try harness.passSecond() }
        #expect(harness.census.count == 0)
    }

    @Test func closesWithAnAnswerThatSaysSo() throws {
        let harness = try DirectHarness(answering: Self.repeating)
        try harness.send("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" + Self.post("/b", "not answered"))
        let text = harness.received()
        #expect(text.contains("connection: close\r\n"))
        #expect(bodies(text) == ["/a "])
        #expect(harness.census.count == 0)
    }

    @Test func drainingClosesTheIdleAndHandsOverTheBegun() throws {
        let idle = try DirectHarness(answering: Self.repeating)
        try idle.send(Self.post("/a", ""))
        try idle.beginDraining()
        #expect(idle.census.count == 0)
        let begun = try DirectHarness(answering: Self.repeating)
        try begun.send("GET / HT")
        try begun.beginDraining()
        #expect(begun.inheritances.map { String(buffer: $0.unread) } == ["GET / HT"])
    }

    @Test func drainingAnswersARequestOfWhichTheLoopWasNotTold() throws {
        let harness = try DirectHarness(answering: Self.repeating)
        try harness.send(Self.post("/a", ""))
        _ = harness.received()
        try harness.beginDraining(behind: Self.post("/b", "body"))
        let text = harness.received()
        #expect(bodies(text) == ["/b body"] && text.contains("connection: close\r\n"))
        #expect(harness.census.count == 0)
    }

    @Test func retiringEndsTheConnectionWithItsNextAnswerAndLeavesTheIdleAlone() throws {
        let harness = try DirectHarness(answering: Self.repeating)
        try harness.beginRetiring()
        #expect(harness.isServed)
        try harness.send(Self.post("/a", ""))
        #expect(harness.received().contains("connection: close\r\n"))
        #expect(harness.census.count == 0)
    }

    private final class Waiting: Sendable {
        private let handle = Mutex<ReplyHandle?>(nil)
        func hold(_ handle: ReplyHandle) { self.handle.withLock { $0 = handle } }
        func take() -> ReplyHandle? { self.handle.withLock { $0.take() } }
    }

    @Test func aLaterReplyKeepsTheOrderAndAnswersWhatWaitedBehind() throws {
        let waiting = Waiting()
        let harness = try DirectHarness { request in
            guard request.head.hasPath("/later") else { return Self.repeating(request) }
            return .later { handle in waiting.hold(handle) }
        }
        try harness.send(Self.post("/a", "first") + Self.post("/later", "") + Self.post("/b", "last"))
        #expect(bodies(harness.received()) == ["/a first"])
        // More comes while the reply is awaited, and is not read.
        try harness.send(Self.post("/c", "more"))
        #expect(harness.received().isEmpty)
        waiting.take()?.complete(Response(ResponseHead(.ok), body: ByteBuffer(string: "reply")))
        try harness.settle()
        try harness.settle()
        #expect(bodies(harness.received()) == ["reply", "/b last", "/c more"])
        #expect(harness.isServed)
    }

    @Test func aHandleLetGoOfIsAnsweredAllTheSame() throws {
        let harness = try DirectHarness { _ in .later { _ in } }
        try harness.send(Self.post("/a", ""))
        try harness.settle()
        #expect(harness.received().hasPrefix("HTTP/1.1 500 "))
    }
}
