import CLZ4

/// Independent LZ4 blocks, without frames: who keeps a block keeps its two sizes and a checksum of its own.
///
/// Source: "LZ4 Block Format Description" of the LZ4 project.
package enum LZ4 {
    /// The largest block, set by the 32-bit sizes of the library and far above any sensible block.
    package static let blockLimitBytes = 64 << 20

    /// Compresses one block by the high-compression method.
    ///
    /// - Parameters:
    ///   - bytes: 1 to ``blockLimitBytes`` bytes, lent for the call.
    ///   - level: 3 to 12; 3 keeps most of the gain at the least cost.
    /// - Returns: the block, or nil when it would not be smaller than the bytes: keep those instead.
    package static func compress(_ bytes: UnsafeRawBufferPointer, level: Int32 = 3) -> [UInt8]? {
        precondition((1...blockLimitBytes).contains(bytes.count), "a block has 1 to \(blockLimitBytes) bytes")
        // One byte less than the input: a block that does not shrink does not fit, and the library says so early.
        let capacity = bytes.count - 1
        guard capacity > 0 else { return nil }
        let block = unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            let written = unsafe buffer.withMemoryRebound(to: CChar.self) { target in
                unsafe LZ4_compress_HC(
                    bytes.baseAddress!.assumingMemoryBound(to: CChar.self), target.baseAddress!, Int32(bytes.count),
                    Int32(capacity), level)
            }
            count = max(0, Int(written))
        }
        return block.isEmpty ? nil : block
    }

    /// Fills `target` with what a block holds.
    ///
    /// - Throws: ``LZ4Error`` when the block is damaged or holds more or fewer bytes than `target`; its bytes are then
    ///   undefined. Nothing is read or written outside the two buffers, whatever the block says.
    package static func decompress(
        _ block: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
    ) throws(LZ4Error) {
        guard block.count > 0, block.count <= blockLimitBytes, (1...blockLimitBytes).contains(target.count) else {
            throw .damaged
        }
        let written = unsafe LZ4_decompress_safe(
            block.baseAddress!.assumingMemoryBound(to: CChar.self),
            target.baseAddress!.assumingMemoryBound(to: CChar.self),
            Int32(block.count), Int32(target.count))
        guard written >= 0 else { throw .damaged }
        guard Int(written) == target.count else { throw .wrongSize(found: Int(written), expected: target.count) }
    }
}

/// Why a block does not give the bytes that it should.
package enum LZ4Error: Error, Equatable, Sendable {
    case damaged
    case wrongSize(found: Int, expected: Int)
}
