import Names
import PropertyTesting
import SealedMemory
import Testing

@testable import Handoff

@Suite(.timeLimit(.minutes(3))) struct ModelNameTests {
    @Test(arguments: Twins.pairs) func retiringAModelLeavesItsTwinLive(_ first: String, _ second: String) throws {
        var images = HeldImages()
        for (generation, model) in [(UInt64(1), first), (2, second)] {
            let offer = try makeOffer(generation, model: Name(model), content: [1])
            images.begin(HeldImage(offer: offer, memory: try SealedMemory(copying: [1], name: "test")))
            images.becameLive(offer)
        }
        #expect(images.summaries.map(\.phase) == [.live, .live])
        images.retire(model: Name(first))
        #expect(images.summaries.map(\.phase) == [.draining, .live])
    }
}
