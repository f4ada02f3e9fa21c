import ModelTypes
import PropertyTesting
import Protobuf
import Testing

@testable import OnnxRuntimeKit

/// No tensor that lies outside of the file gets past, however deep it hides.
@Suite(.timeLimit(.minutes(Fuzz.limitMinutes))) struct OnnxFileWalkTests {
    private func refusal(_ bytes: [UInt8]) -> GraphRuntimeError? {
        bytes.withUnsafeBytes { bytes in
            do throws(GraphRuntimeError) {
                try OnnxFileWalk.check(bytes)
                return nil
            } catch { return error }
        }
    }

    private func message(_ fields: [Int], _ body: (inout ProtobufWriter) -> Void) -> [UInt8] {
        var writer = ProtobufWriter()
        if let field = fields.first {
            writer.data(field, message(Array(fields.dropFirst()), body))
        } else {
            body(&writer)
        }
        return writer.bytes
    }

    /// Every way that leads from a file to a tensor, by fields.
    @Test(arguments: [
        [7, 5], [7, 15, 1], [7, 15, 2], [7, 1, 5, 5], [7, 1, 5, 10], [7, 1, 5, 22, 1], [7, 1, 5, 23, 2],
        [7, 1, 5, 6, 5], [7, 1, 5, 11, 1, 5, 6, 15, 1], [25, 7, 5, 5], [25, 11, 5], [25, 7, 5, 6, 5],
    ])
    func aTensorElsewhereIsFound(fields: [Int]) {
        let graph = message([7]) { $0.string(2, "g") }
        let whole = message(fields) { $0.string(8, "w") }
        #expect(refusal(graph + whole) == nil)
        let located = message(fields) { $0.unsigned(14, 1) }
        let named = message(fields) { $0.message(13) { $0.string(1, "location") } }
        for bytes in [located, named] {
            guard case .external = refusal(graph + bytes) else {
                Issue.record("passed")
                continue
            }
        }
        // Said twice, the last word counts for a reader; here the first is enough.
        let twice = message(fields) { tensor in
            tensor.unsigned(14, 1)
            tensor.unsigned(14, 0)
        }
        guard case .external = refusal(graph + twice) else {
            Issue.record("passed")
            return
        }
        #expect(refusal(graph + message(fields) { $0.unsigned(14, 0) }) == nil)
    }

    @Test func depthIsBounded() {
        var fields = [7]
        for _ in 0..<40 { fields += [1, 5, 6] }
        guard case .malformed = refusal(message(fields) { $0.string(2, "g") }) else {
            Issue.record("passed")
            return
        }
    }

    @Test func whatIsNoModelIsRefused() {
        for bytes in [[], [8, 8], [0xFF], Array("no model".utf8)] as [[UInt8]] {
            guard case .malformed = refusal(bytes) else {
                Issue.record("passed: \(bytes)")
                continue
            }
        }
    }

    @Test func changedFilesNeverCrash() throws {
        let names = ["attention/model", "refused/external-branch", "two-towers/model"]
        let corpus = try names.map { try graphFile("\($0).onnx") }
        var counts = [0, 0]
        Fuzz.run(corpus: corpus) { bytes in counts[refusal(bytes) == nil ? 0 : 1] += 1 }
        #expect(counts[0] > 0 && counts[1] > 0)
    }
}
