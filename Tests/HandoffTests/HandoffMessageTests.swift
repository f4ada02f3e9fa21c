import Names
import Testing

@testable import Handoff

@Suite(.timeLimit(.minutes(3))) struct HandoffMessageTests {
    static func messages() throws -> [HandoffMessage] {
        let offer = try ImageOffer(
            generation: ImageOffer.generationLimit, model: Name(String(repeating: "m", count: 255)),
            version: String(repeating: "é", count: 512),
            artifactDigest: digest(3), imageDigest: digest(4), imageVersion: 7, sizeBytes: 1 << 40)
        return [
            .hello(Hello(protocolVersions: 1...3, imageVersions: [1, 2, 9], highestGeneration: 12, heldCount: 4)),
            .held(offer, .live), .held(offer, .draining), .begin(version: 1), .offer(offer), .live(generation: 1),
            .refused(generation: 2, ImageRefusal(code: .outOfMemory, reason: "no room")), .released(generation: 3),
            .retire(model: "filter"), .farewell(Farewell(code: .shuttingDown, reason: "")),
        ]
    }

    @Test func everyMessageReadsBackAsItWasWritten() throws {
        for message in try Self.messages() { #expect(try read(message.encoded()) == message) }
    }

    @Test func everyMessageCutAnywhereIsRefused() throws {
        for message in try Self.messages() {
            let bytes = message.encoded()
            let header = try HandoffMessage.Header(Array(bytes.prefix(8)))
            for count in 0..<(bytes.count - 8) {
                #expect(throws: HandoffError.self) {
                    _ = try HandoffMessage(header, body: Array(bytes[8..<(8 + count)]))
                }
            }
            #expect(throws: HandoffError.self) { _ = try HandoffMessage(header, body: Array(bytes[8...]) + [0]) }
        }
    }

    @Test func changedBytesAreRefusedOrMeanAnotherValidMessage() throws {
        var random = SystemRandomNumberGenerator()
        for message in try Self.messages() {
            for _ in 0..<2000 {
                var bytes = message.encoded()
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                guard let changed = try? read(bytes) else { continue }
                // What is accepted can be written again.
                #expect(try read(changed.encoded()) == changed)
            }
        }
    }

    @Test(arguments: [ImageOffer.generationLimit, .max - 2, .max - 1, .max])
    func aHelloThatLeavesNoGenerationIsRefused(highest: UInt64) throws {
        let hello = HandoffMessage.hello(
            Hello(protocolVersions: 1...1, imageVersions: [1], highestGeneration: highest, heldCount: 0))
        #expect(throws: HandoffError.violation("generation \(highest) taken, which leaves none")) {
            try read(hello.encoded())
        }
    }

    @Test func aLongReasonIsCutAtAWholeCharacter() throws {
        let refusal = ImageRefusal(code: .other, reason: "x" + String(repeating: "é", count: 600))
        guard case .refused(_, let cut) = try read(HandoffMessage.refused(generation: 1, refusal).encoded()) else {
            Issue.record("another message")
            return
        }
        #expect(cut.reason == "x" + String(repeating: "é", count: 511))
    }

    @Test(
        arguments: [
            (0, "m", "v"), (.max, "m", "v"), (.max / 2 + 1, "m", "v"), (1, "", "v"), (1, "m", ""),
            (1, Name(String(repeating: "m", count: 256)), "v"), (1, "m", String(repeating: "v", count: 1025)),
        ] as [(UInt64, Name, String)])
    func anOfferOutOfItsBoundsCannotBeMade(generation: UInt64, model: Name, version: String) {
        #expect(throws: HandoffError.self) {
            _ = try ImageOffer(
                generation: generation, model: model, version: version, artifactDigest: digest(1),
                imageDigest: digest(1),
                imageVersion: 1, sizeBytes: 1)
        }
    }

    private func read(_ bytes: [UInt8]) throws -> HandoffMessage {
        try HandoffMessage(HandoffMessage.Header(Array(bytes.prefix(8))), body: Array(bytes.dropFirst(8)))
    }
}
