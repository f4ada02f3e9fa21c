import LZ4Kit
import Testing

@Suite(.timeLimit(.minutes(3))) struct LZ4Tests {
    private func compressed(_ bytes: [UInt8], level: Int32 = 3) -> [UInt8]? {
        bytes.withUnsafeBytes { LZ4.compress($0, level: level) }
    }

    private func decompressed(_ block: [UInt8], count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: count)
        try block.withUnsafeBytes { block in try bytes.withUnsafeMutableBytes { try LZ4.decompress(block, into: $0) } }
        return bytes
    }

    private func noise(_ count: Int) -> [UInt8] {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        return (0..<count).map { _ in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return UInt8(truncatingIfNeeded: state >> 32)
        }
    }

    @Test(arguments: [64, 1000, 65_536, 262_144, 1_000_003], [3, 9, 12])
    func textComesBack(count: Int, level: Int) throws {
        let text = Array(
            String(repeating: "{\"split\": 0.25, \"yes\": 1, \"no\": 2}, ", count: count / 36 + 1).utf8.prefix(count))
        let block = try #require(compressed(text, level: Int32(level)))
        #expect(block.count < count)
        #expect(try decompressed(block, count: count) == text)
    }

    @Test(arguments: [1, 2, 100, 65_536]) func noiseIsNotWorthABlock(count: Int) {
        #expect(compressed(noise(count)) == nil)
    }

    @Test func wrongSizesAreErrors() throws {
        let text = [UInt8](repeating: 7, count: 1000)
        let block = try #require(compressed(text))
        #expect(throws: LZ4Error.wrongSize(found: 1000, expected: 1001)) { try decompressed(block, count: 1001) }
        #expect(throws: LZ4Error.damaged) { try decompressed(block, count: 999) }
        #expect(throws: LZ4Error.damaged) { try decompressed([], count: 10) }
    }

    @Test func cutAndFlippedBlocksStayWithinTheirBuffers() throws {
        let text = Array("tree 1 leaf 0.5 tree 2 leaf 0.25 ".utf8) + noise(300) + [UInt8](repeating: 1, count: 500)
        let block = try #require(compressed(text))
        for length in 0..<block.count {
            #expect(throws: LZ4Error.self) { try decompressed(Array(block[..<length]), count: text.count) }
        }
        for position in block.indices {
            var broken = block
            broken[position] ^= 0xFF
            // A flipped literal goes unnoticed here: that is what the checksum beside a block is for.
            if let bytes = try? decompressed(broken, count: text.count) { #expect(bytes.count == text.count) }
        }
    }
}
