import CLinux
import Glibc
import Testing

@testable import SealedMemory

@Suite(.timeLimit(.minutes(3))) struct DescriptorSocketTests {
    @Test func bytesAndADescriptorArriveTogether() throws {
        let (left, right) = try socketPair()
        let memory = try SealedMemory(copying: Array("the image".utf8), name: "test")
        try left.send(Array("head".utf8), passing: memory)
        try left.send(Array("tail".utf8))

        guard var first = try right.receive(4), let descriptor = first.descriptor.take() else {
            Issue.record("no descriptor came")
            return
        }
        #expect(first.bytes == Array("head".utf8))
        let mapped = try SealedMemory(received: descriptor).mapped()
        #expect(mapped.copied == Array("the image".utf8))
        guard let second = try right.receive(4) else {
            Issue.record("the second message is missing")
            return
        }
        let isAlone = second.descriptor == nil
        #expect(second.bytes == Array("tail".utf8) && isAlone)
    }

    @Test func anOrderlyEndIsNilAndAnEndInTheMiddleIsAnError() throws {
        let (left, right) = try socketPair()
        try left.send([1, 2])
        left.shutDown()
        #expect(throws: SealedMemoryError.system(call: "recvmsg", errno: ECONNRESET)) { _ = try right.receive(3) }
        let (third, fourth) = try socketPair()
        third.shutDown()
        let isEnd = try fourth.receive(1) == nil
        #expect(isEnd)
    }

    @Test func aReadGivesUpAfterItsTimeout() throws {
        let (left, right) = try socketPair()
        right.setReadTimeout(.milliseconds(5))
        #expect(throws: SealedMemoryError.system(call: "recvmsg", errno: EAGAIN)) { _ = try right.receive(1) }
        withExtendedLifetime(left) {}
    }

    @Test func aWriteToAPeerThatDoesNotReadGivesUp() throws {
        let (left, right) = try socketPair()
        left.setWriteTimeout(.milliseconds(5))
        #expect(throws: SealedMemoryError.self) { try left.send([UInt8](repeating: 0, count: 8 << 20)) }
        withExtendedLifetime(right) {}
    }

    @Test func aWriteToAPeerThatIsGoneIsAnErrorAndNoSignal() throws {
        let (left, right) = try socketPair()
        right.shutDown()
        #expect(throws: SealedMemoryError.system(call: "sendmsg", errno: EPIPE)) { try left.send([1]) }
    }

    @Test func twoDescriptorsInOneMessageAreRefusedAndClosed() throws {
        let (left, right) = try socketPair()
        let memory = try SealedMemory(copying: [1], name: "test")
        // Two writes that each pass a descriptor, read as one message of two bytes.
        try left.send([1], passing: memory)
        try left.send([2], passing: memory)
        #expect(throws: SealedMemoryError.system(call: "recvmsg", errno: EPROTO)) { _ = try right.receive(2) }
    }

    @Test func thePeerIsThisProcess() throws {
        let (left, right) = try socketPair()
        let peer = try left.peer()
        #expect(peer.userID == geteuid() && peer.processID == getpid())
        withExtendedLifetime(right) {}
    }

    @Test(arguments: ["", String(repeating: "x", count: 108), "a\0b"]) func aPathThatIsNoAddressIsRefused(path: String)
    {
        #expect(UnixSocketAddress(path: path) == nil)
        #expect(throws: SealedMemoryError.system(call: "connect", errno: ENAMETOOLONG)) {
            _ = try DescriptorSocket(connectingTo: path)
        }
    }

    private func socketPair() throws -> (DescriptorSocket, DescriptorSocket) {
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        return (DescriptorSocket(owning: ends[0]), DescriptorSocket(owning: ends[1]))
    }
}
