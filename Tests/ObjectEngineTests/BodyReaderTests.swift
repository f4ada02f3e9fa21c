import Digests
import ObjectEngine
import PropertyTesting
import S3Types
import Testing

@Suite(.timeLimit(.minutes(3))) struct BodyReaderTests {
    /// Chunks taken in parts, and parts given back, come to the same bytes; over both kinds of extents.
    @Test(arguments: [0, 20 << 10, 3 << 20])
    func aBodyReadInPiecesAndBackIsTheBody(size: Int) async throws {
        let fixture = EngineFixture()
        try await fixture.withEngine({ $0.ingestThresholdBytes = 1 << 20 }) { engine in
            var random = SeededGenerator.printed()
            let bucket = try await engine.makeBucket()
            let body = pattern(size)
            // Not announced: it begins in the log and goes on in tables.
            try await engine.put("k", body, in: bucket)
            for _ in 0..<20 {
                let start = UInt64.random(in: 0...UInt64(size), using: &random)
                let range = start..<UInt64.random(in: start...UInt64(size), using: &random)
                var reader = try engine.object(key("k"), in: bucket).reader(range)
                var bytes: [UInt8] = []
                while let chunk = try reader.next(limitBytes: Int.random(in: 1...(2 << 20), using: &random)) {
                    let back = Bool.random(using: &random) ? Int.random(in: 0..<chunk.count, using: &random) : 0
                    chunk.withBytes { span in span.withUnsafeBytes { bytes.append(contentsOf: $0.dropLast(back)) } }
                    reader.goBack(back)
                }
                #expect(reader.remainingBytes == 0)
                #expect(bytes.elementsEqual(body[Int(range.lowerBound)..<Int(range.upperBound)]))
            }
        }
    }
}
