import Digests
import DurableFiles
import LZ4Kit
import SealedMemory
import Synchronization

/// A file of independent LZ4 blocks, as `Docs/Formats/cache.md` has it: made in memory, read through a mapping.
///
/// Blocks are independent so that several threads can fill the memory at once. A block that does not shrink, as float
/// weights never do, is stored as it is.
enum BlockFile {
    static let magic = Array("LODECACH".utf8)
    static let formatVersion: UInt32 = 1
    static let blockBytes = 256 << 10
    static let headerBytes = 72
    static let entryBytes = 16
    static let storedFlag: UInt32 = 1

    // MARK: Writing

    /// The whole file for some content.
    ///
    /// - Parameters:
    ///   - content: at least one byte, lent for the call.
    ///   - digest: the content's SHA-256.
    static func encoded(
        _ content: UnsafeRawBufferPointer, kind: UInt32, digest: ContentDigest, threadCount: Int
    ) -> [UInt8] {
        let byteCount = content.count
        precondition(byteCount > 0, "an artifact or an image has bytes")
        let blockCount = (byteCount + blockBytes - 1) / blockBytes
        let blocks = Mutex([[UInt8]?](repeating: nil, count: blockCount))
        let lent = unsafe LentBytes(bytes: content)
        inParallel(threadCount: threadCount, count: blockCount) { index in
            let compressed = unsafe LZ4.compress(part(index, of: lent.bytes), level: 3)
            blocks.withLock { $0[index] = compressed }
        }
        return unsafe assembled(content, kind: kind, digest: digest, blocks: blocks.withLock { $0 })
    }

    /// Content that threads read at once.
    @unsafe private struct LentBytes: @unchecked Sendable {
        // Sendable: nobody writes the bytes, and they outlive inParallel, which joins its threads.
        let bytes: UnsafeRawBufferPointer
    }

    private static func assembled(
        _ content: UnsafeRawBufferPointer, kind: UInt32, digest: ContentDigest, blocks: [[UInt8]?]
    ) -> [UInt8] {
        var index: [UInt8] = []
        index.reserveCapacity(blocks.count * entryBytes)
        var bodyBytes = 0
        for (number, block) in blocks.enumerated() {
            let raw = unsafe part(number, of: content)
            let count = block?.count ?? raw.count
            let crc =
                if let block { unsafe CRC.crc64nvme.update(0, block.span.bytes) } else {
                    unsafe CRC.crc64nvme.update(0, RawSpan(_unsafeBytes: raw))
                }
            append(UInt32(count), to: &index)
            append(block == nil ? storedFlag : 0, to: &index)
            append(crc, to: &index)
            bodyBytes += count
        }
        var file: [UInt8] = []
        file.reserveCapacity(headerBytes + index.count + bodyBytes)
        file += magic
        append(formatVersion, to: &file)
        append(UInt32(blockBytes), to: &file)
        append(UInt64(content.count), to: &file)
        append(UInt32(blocks.count), to: &file)
        append(kind, to: &file)
        file += digest.bytes
        append(unsafe CRC.crc64nvme.update(CRC.crc64nvme.update(0, file.span.bytes), index.span.bytes), to: &file)
        file += index
        for (number, block) in blocks.enumerated() {
            if let block { file += block } else { unsafe file.append(contentsOf: part(number, of: content)) }
        }
        return file
    }

    private static func part(_ index: Int, of content: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let start = index * blockBytes
        return unsafe UnsafeRawBufferPointer(rebasing: content[start..<min(start + blockBytes, content.count)])
    }

    private static func append(_ number: some FixedWidthInteger, to bytes: inout [UInt8]) {
        unsafe withUnsafeBytes(of: number.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    }
}
