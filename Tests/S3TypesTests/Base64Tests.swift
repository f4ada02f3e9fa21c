import Foundation
import S3Types
import Testing

@Suite(.timeLimit(.minutes(3))) struct Base64Tests {
    @Test(arguments: 0..<64) func agreesWithFoundation(count: Int) {
        let sample = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 13) }
        let text = Data(sample).base64EncodedString()
        #expect(base64(sample) == text)
        #expect(bytes(base64: text) == sample)
    }

    @Test(arguments: ["A", "AA", "AAA", "A===", "====", "AA=A", "AB==", "AAB=", "AA A", "AAA\n", "_-AA", "AA==AAAA"])
    func refusesWhatIsNotCanonical(text: String) {
        #expect(bytes(base64: text) == nil)
    }
}
