import Glibc
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import HTTPKernel

@Suite(.timeLimit(.minutes(3))) struct PeekedBytesTests {
    private static let request = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"

    private static func pair(_ family: CInt = AF_UNIX) throws -> (near: CInt, far: CInt) {
        var pair: [CInt] = [-1, -1]
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        try #require(socketpair(family, kind, 0, &pair) == 0)
        return (pair[0], pair[1])
    }

    @Test func bytesAreReadOnceAndTakenOnce() throws {
        let (near, far) = try Self.pair()
        defer { for descriptor in [near, far] { close(descriptor) } }
        var peeked = try #require(PeekedBytes(near))
        var block = [UInt8](repeating: 0, count: 100)
        var seen: [UInt8] = []
        for number in 0..<200 as Range<UInt8> {
            try #require(send(far, [number], 1, 0) == 1)
            if number % 3 == 0 { continue }
            let count = recv(near, &block, block.count, CInt(MSG_PEEK))
            try #require(count > 0)
            seen += block[..<count]
            peeked.add(count)
            if number % 7 == 0 {
                let isTaken = peeked.take()
                #expect(isTaken && peeked.count == 0 && DirectHarness.keptBytes(far) == 0)
            }
        }
        #expect(seen.elementsEqual(0..<200))
        let isRestTaken = peeked.take()
        #expect(isRestTaken)
        // Nothing is there any more, so that nothing can be taken.
        peeked.add(1)
        let isMoreTaken = peeked.take()
        #expect(!isMoreTaken && peeked.count == 0)
    }

    @Test func otherSocketsAreReadAsEver() throws {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        #expect(PeekedBytes(descriptor) == nil)
    }

    private final class Kept: Sendable {
        let client = Atomic<CInt>(-1)
        let bytes = Mutex<[Int]>([])
        let restCount = Atomic<Int>(0)
    }

    /// - Parameter promptCount: so many times the client has its next request there before it has its answer.
    private static func keeping(promptCount: Int) throws -> (DirectHarness, Kept) {
        let kept = Kept()
        kept.restCount.store(promptCount, ordering: .relaxed)
        let harness = try DirectHarness { _ in
            let client = kept.client.load(ordering: .relaxed)
            kept.bytes.withLock { $0.append(DirectHarness.keptBytes(client)) }
            if kept.restCount.load(ordering: .relaxed) > 0 {
                kept.restCount.subtract(1, ordering: .relaxed)
                #expect(send(client, Array(Self.request.utf8), Self.request.utf8.count, 0) > 0)
            }
            return .now(Response(ResponseHead(.ok), body: ByteBuffer(string: "answer")))
        }
        kept.client.store(harness.client, ordering: .relaxed)
        return (harness, kept)
    }

    @Test func ofAPromptClientBytesStayUntilTheirAnswersHaveLeft() throws {
        let (harness, kept) = try Self.keeping(promptCount: 99)
        try harness.send(Self.request)
        while kept.bytes.withLock({ $0.count < 100 }) { try harness.settle() }
        try harness.settle()
        #expect(bodies(harness.received()).count == 100)
        #expect(kept.bytes.withLock { $0.allSatisfy { $0 >= Self.request.utf8.count } })
        #expect(harness.keptBytes == 0)
    }

    @Test func ofAClientThatTakesItsTimeBytesAreTakenAtOnce() throws {
        let (harness, kept) = try Self.keeping(promptCount: 0)
        for _ in 0..<40 {
            try harness.send(Self.request)
            #expect(bodies(harness.received()) == ["answer"])
            #expect(harness.keptBytes == 0)
        }
        // Until it is known to be one.
        #expect(kept.bytes.withLock { $0.firstIndex(of: 0) == 2 && $0.dropFirst(2).allSatisfy { $0 == 0 } })
    }

    @Test func aClientThatBecomesPromptIsNoticed() throws {
        let (harness, kept) = try Self.keeping(promptCount: 0)
        for _ in 0..<5 { try harness.send(Self.request) }
        #expect(harness.keptBytes == 0)
        kept.bytes.withLock { $0 = [] }
        kept.restCount.store(60, ordering: .relaxed)
        try harness.send(Self.request)
        while kept.bytes.withLock({ $0.count < 61 }) { try harness.settle() }
        #expect(kept.bytes.withLock { $0.suffix(40).allSatisfy { $0 >= Self.request.utf8.count } })
        try harness.settle()
        #expect(bodies(harness.received()).count == 66)
        #expect(harness.keptBytes == 0)
    }

    private final class Waiting: Sendable {
        let handle = Mutex<ReplyHandle?>(nil)
    }

    @Test(arguments: [1, 10, 1000])
    func nothingStaysWhileARequestIsUnfinishedOrWaits(count: Int) throws {
        let waiting = Waiting()
        let harness = try DirectHarness { _ in .later { handle in waiting.handle.withLock { $0 = handle } } }
        try harness.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n")
        for _ in 0..<3 { try harness.send(String(repeating: "x", count: count)) }
        #expect(harness.keptBytes == 0)
        try harness.send(String(repeating: "x", count: 60_000 - 3 * count))
        #expect(harness.keptBytes == 0)
        #expect(harness.isServed)
    }

    /// With bytes left in it, a Unix socket that is closed tells its client of a reset.
    @Test(arguments: [false, true])
    func aClosedConnectionEndsInOrder(isIdle: Bool) throws {
        let harness = try DirectHarness { _ in .now(Response(ResponseHead(.ok), body: ByteBuffer(string: "a"))) }
        let close = "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        try harness.send(isIdle ? Self.request : Self.request + close + Self.request)
        if isIdle { try harness.beginDraining() }
        #expect(bodies(harness.received()) == (isIdle ? ["a"] : ["a", "a"]))
        var byte: UInt8 = 0
        #expect(recv(harness.client, &byte, 1, CInt(MSG_DONTWAIT)) == 0)
        #expect(harness.census.count == 0)
    }
}
