import NIOCore
import NIOEmbedded
import PropertyTesting
import Testing

@testable import InferenceServer

@Suite(.timeLimit(.minutes(1))) struct GRPCStreamTests {
    private static let mebibyte = 1 << 20

    private static var limits: InferenceLimits {
        var limits = InferenceLimits()
        limits.bodyBytes = 16 * mebibyte
        limits.pendingBytes = 64 * mebibyte
        return limits
    }

    // MARK: The account

    @Test func unfinishedMessagesOfAllCallsTogetherAreBounded() throws {
        let scene = try GRPCScene(Self.limits)
        defer { scene.finish() }
        let calls = try (0..<60).map { _ in try scene.call() }
        for call in calls { call.send(messageOf: 4 * Self.mebibyte, atOnce: Self.mebibyte) }
        // None of them has been handed to a worker.
        #expect(scene.admission.bytes == 60 * Self.mebibyte && scene.admission.count == 0)
        for call in calls[..<5] { call.send(Self.mebibyte) }
        #expect(try calls[..<4].map { try $0.sent() } == [[], [], [], []])
        // The fifth finds no room in the middle of its message, and what it had is given back.
        #expect(try calls[4].sent() == ["8", "rst 0"] && scene.admission.bytes == 63 * Self.mebibyte)
        #expect(scene.count(.shed) == 1)
        for call in calls { try call.close() }
        #expect(scene.admission.bytes == 0 && scene.admission.count == 0)
    }

    /// Clients that announce much and send little take next to nothing from their neighbours.
    @Test func whatIsAnnouncedIsNotCharged() throws {
        let scene = try GRPCScene(Self.limits)
        defer { scene.finish() }
        let calls = try (0..<70).map { _ in try scene.call() }
        for call in calls { call.send(messageOf: 16 * Self.mebibyte, atOnce: 62 << 10) }
        #expect(scene.admission.bytes == 70 * 62 << 10 && scene.count(.shed) == 0)
        let neighbour = try scene.call()
        neighbour.send(messageOf: 16 * Self.mebibyte, isLast: true)
        #expect(try neighbour.sent().isEmpty && neighbour.passedBytes == 16 * Self.mebibyte + 5)
        for call in calls + [neighbour] { try call.close() }
        #expect(scene.admission.bytes == 0)
    }

    @Test func aMessageThatFindsNoRoomIsRefusedAtItsAnnouncement() throws {
        let scene = try GRPCScene(Self.limits)
        defer { scene.finish() }
        let first = try (0..<4).map { _ in try scene.call() }
        for call in first { call.send(messageOf: 16 * Self.mebibyte, atOnce: 15 * Self.mebibyte) }
        let late = try scene.call()
        late.send(messageOf: 5 * Self.mebibyte, atOnce: 100)
        #expect(try late.sent() == ["8", "rst 0"] && late.passedBytes == 0)
        #expect(scene.count(.shed) == 1)
        for call in first + [late] { try call.close() }
        #expect(scene.admission.bytes == 0)
    }

    /// However its bytes are cut, a message is charged for each of them once.
    @Test func theChargeFollowsTheBytes() throws {
        var random = SeededGenerator.printed()
        for _ in 0..<100 {
            let scene = try GRPCScene(Self.limits)
            defer { scene.finish() }
            let call = try scene.call()
            let size = Int.random(in: 65_537...300_000, using: &random)
            var sent = Int.random(in: 0...size, using: &random)
            call.send(messageOf: size, atOnce: sent)
            while sent < size {
                #expect(scene.admission.bytes == sent)
                let count = Int.random(in: 1...min(70_000, size - sent), using: &random)
                call.send(count)
                sent += count
            }
            #expect(scene.admission.bytes == size)
            try call.close()
            #expect(scene.admission.bytes == 0)
        }
    }

    @Test func aMessageIsChargedUntilItsAnswer() throws {
        let scene = try GRPCScene(Self.limits)
        defer { scene.finish() }
        let call = try scene.call()
        call.send(messageOf: Self.mebibyte, isLast: true)
        #expect(scene.admission.bytes == Self.mebibyte && call.passedBytes == Self.mebibyte + 5)
        call.answerHead()
        #expect(scene.admission.bytes == Self.mebibyte)
        call.answer()
        call.answerStatus()
        #expect(scene.admission.bytes == 0 && scene.admission.count == 0)
        #expect(try call.sent() == ["head", "data", "0"])
        try call.close()
        #expect(scene.admission.bytes == 0)
    }

    /// One that fits a frame is with the models at once.
    @Test(arguments: [(1000, nil, 0), (1000, 10, 10), (40_000, 20_000, 20_000)] as [(Int, Int?, Int)])
    func aSmallMessageIsChargedOnceItIsToBeWaitedFor(size: Int, atOnce: Int?, charge: Int) throws {
        let scene = try GRPCScene(Self.limits)
        defer { scene.finish() }
        let call = try scene.call()
        call.send(messageOf: size, atOnce: atOnce)
        #expect(scene.admission.bytes == charge && scene.admission.count == 0)
        try call.close()
        #expect(scene.admission.bytes == 0)
    }

    @Test func aLargeMessageIsRefusedAtItsAnnouncement() throws {
        let scene = try GRPCScene(Self.limits)
        defer { scene.finish() }
        for size in [16 * Self.mebibyte + 1, Int(UInt32.max)] {
            let call = try scene.call()
            call.send(messageOf: size, atOnce: 100)
            #expect(try call.sent() == ["8", "rst 0"])
            call.send(100_000)
            #expect(try call.passedBytes == 0 && call.sent().isEmpty)
            try call.close()
        }
        #expect(scene.count(.size) == 2 && scene.admission.bytes == 0)
    }

    /// After a head the status is in the trailers; and who has sent all is not reset.
    @Test func aStreamWithALargeMessageEndsInItsTrailers() throws {
        var limits = Self.limits
        limits.bodyBytes = 100
        let scene = try GRPCScene(limits)
        defer { scene.finish() }
        let call = try scene.call("ModelStreamInfer")
        call.send(messageOf: 50)
        call.answerHead()
        call.answer()
        call.send(messageOf: 101, isLast: true)
        #expect(try call.sent() == ["head", "data", "8"])
        #expect(scene.count(.size) == 1)
        try call.close()
        #expect(scene.admission.bytes == 0)
    }

    @Test func onlyPredictionsAreCounted() throws {
        let scene = try GRPCScene(Self.limits)
        defer { scene.finish() }
        let call = try scene.call("ModelMetadata")
        call.send(messageOf: 17 * Self.mebibyte, atOnce: 0)
        #expect(try call.sent() == ["8", "rst 0"])
        #expect(scene.count(.size) == 0)
        try call.close()
    }

    @Test func aSecondMessageOfAUnaryCallIsRefused() throws {
        let scene = try GRPCScene(Self.limits)
        defer { scene.finish() }
        let call = try scene.call()
        call.send(messageOf: 10)
        call.send(messageOf: 10)
        #expect(try call.sent() == ["3", "rst 0"])
        try call.close()
    }

    @Test func whatFollowsTheStatusIsNotWanted() throws {
        let scene = try GRPCScene(Self.limits)
        defer { scene.finish() }
        let call = try scene.call("LogSettings")
        call.send(messageOf: Self.mebibyte, atOnce: 100)
        #expect(scene.admission.bytes == 100)
        call.answerStatus()
        #expect(try call.sent() == ["0", "rst 0"])
        #expect(scene.admission.bytes == 0)
        try call.close()
    }

    // MARK: How many

    @Test func oneCallTooManyIsRefused() throws {
        let scene = try GRPCScene(Self.limits) { $0.loopStreamCount = 3 }
        defer { scene.finish() }
        let calls = try (0..<4).map { _ in try scene.call() }
        #expect(try calls.map { try $0.sent() } == [[], [], [], ["8", "rst 0"]])
        for call in calls { try call.close() }
        #expect(try scene.call().sent().isEmpty)
    }

    /// Who does not take answers may ask no more, save whether the server is well.
    @Test func answersThatNobodyTakesAreBounded() throws {
        var limits = Self.limits
        limits.bodyBytes = 100_000
        limits.pendingBytes = 100_000
        let scene = try GRPCScene(limits)
        defer { scene.finish() }
        let calls = try (0..<3).map { _ in try scene.call() }
        for call in calls.prefix(2) {
            call.send(messageOf: 10, isLast: true)
            call.answer(byteCount: 60_000, isTaken: false)
        }
        #expect(scene.admission.bytes == 120_010)
        calls[2].send(messageOf: 10, isLast: true)
        calls[2].answer(byteCount: 70_000)
        #expect(try calls[2].sent() == ["8"])
        #expect(try scene.call().sent() == ["8", "rst 0"])
        #expect(try scene.call("ServerLive").sent().isEmpty)
        #expect(try scene.call("Check", service: InferenceRPCs.healthService).sent().isEmpty)
        for call in calls { call.channel.flush() }
        #expect(scene.admission.bytes == 0)
        #expect(try scene.call().sent().isEmpty)
    }

    @Test func aStreamReadsItsNextMessageAfterTheAnswer() throws {
        let scene = try GRPCScene(Self.limits)
        defer { scene.finish() }
        let call = try scene.call("ModelStreamInfer")
        #expect(scene.admission.bytes == 0)
        let before = call.readCount
        call.send(messageOf: 100, atOnce: 10)
        call.read()
        #expect(call.readCount == before + 1 && scene.admission.bytes == 10)
        call.send(90)
        // What may lie unread behind it, for as long as it is not answered.
        #expect(scene.admission.bytes == 100 + scene.shared.limits.streamingBytes)
        call.read()
        #expect(call.readCount == before + 1)
        scene.pass(seconds: 1000)
        #expect(try call.sent().isEmpty)
        call.answer()
        scene.loop.run()
        #expect(call.readCount == before + 2 && scene.admission.bytes == 0)
        try call.close()
        #expect(scene.admission.bytes == 0)
    }

    // MARK: Time

    @Test func aMessageThatStopsIsRefused() throws {
        let scene = try GRPCScene(Self.limits)
        defer { scene.finish() }
        let call = try scene.call()
        call.send(messageOf: Self.mebibyte, atOnce: 10_000)
        for _ in 0..<10 {
            scene.pass(seconds: 29)
            call.send(4096)
        }
        scene.pass(seconds: 29)
        call.send(4095)
        #expect(try call.sent().isEmpty)
        scene.pass(seconds: 1)
        #expect(try call.sent() == ["4", "rst 0"])
        #expect(scene.count(.http) == 1 && scene.admission.bytes == 0)
        try call.close()
    }

    @Test func aCallWithoutAMessageIsRefused() throws {
        let scene = try GRPCScene(Self.limits)
        defer { scene.finish() }
        let calls = try ["ModelInfer", "ServerLive", "ModelStreamInfer"].map { try scene.call($0) }
        let whole = try scene.call()
        whole.send(messageOf: 10, isLast: true)
        scene.pass(seconds: 30)
        #expect(try calls.map { try $0.sent() } == [["4", "rst 0"], ["4", "rst 0"], []])
        scene.pass(seconds: 569)
        #expect(try calls[2].sent().isEmpty)
        scene.pass(seconds: 1)
        #expect(try calls[2].sent() == ["4", "rst 0"])
        #expect(try whole.sent().isEmpty)
    }

    @Test func anAnswerThatIsNotTakenEndsTheCall() throws {
        let scene = try GRPCScene(Self.limits)
        defer { scene.finish() }
        let call = try scene.call()
        call.send(messageOf: 10, isLast: true)
        call.answer(isTaken: false)
        scene.pass(seconds: 59)
        #expect(call.channel.isActive)
        scene.pass(seconds: 1)
        #expect(!call.channel.isActive)
        // What is written counts until the socket is done with it.
        #expect(scene.admission.bytes == 15)
        call.channel.flush()
        #expect(scene.admission.bytes == 0)
    }

    // MARK: Framing

    @Test func framesMayDivideMessagesAnywhere() throws {
        var random = SeededGenerator.printed()
        for _ in 0..<200 {
            let sizes = (0..<Int.random(in: 1...6, using: &random)).map { _ in
                Int.random(in: 0...(Bool.random(using: &random) ? 3 : 500), using: &random)
            }
            var bytes = ByteBuffer()
            for size in sizes {
                bytes.writeInteger(UInt8(0))
                bytes.writeInteger(UInt32(size))
                bytes.writeRepeatingByte(255, count: size)
            }
            var (framing, begun, ended) = (MessageFraming(), [Int](), 0)
            while bytes.readableBytes > 0 {
                let count = min(bytes.readableBytes, Int.random(in: 1...40, using: &random))
                var part = bytes.readSlice(length: count)!
                while let event = framing.next(in: &part) {
                    switch event {
                    case .begins(let byteCount, let isWhole):
                        #expect(isWhole == (part.readableBytes >= byteCount))
                        begun.append(byteCount)
                    case .ends: ended += 1
                    }
                }
            }
            #expect(begun == sizes && ended == sizes.count && !framing.isWithinMessage)
        }
    }
}
