import Digests
import DurableFiles
import Glibc
import LZ4Kit
import SealedMemory
import Synchronization

/// Why a file is not what was written.
struct BlockFileDamage: Error, Equatable {
    let what: String
    init(_ what: String) { self.what = what }
}

extension BlockFile {
    /// The checked header and index of a file.
    struct Index {
        /// One block: its place in the file, whether it is stored as it is, and its CRC64NVME.
        struct Entry {
            let range: Range<Int>
            let isStored: Bool
            let crc: UInt64
        }

        let contentBytes: Int
        let digest: ContentDigest
        let entries: [Entry]

        /// - Throws: ``BlockFileDamage`` unless every byte of the header and the index is as it was written, and the file is exactly
        ///   as long as they say.
        init(_ file: RawSpan, kind: UInt32) throws(BlockFileDamage) {
            guard file.byteCount >= headerBytes else { throw BlockFileDamage("cut short") }
            guard magic.indices.allSatisfy({ BlockFile.byte(file, $0) == magic[$0] }) else {
                throw BlockFileDamage("no cache file")
            }
            let version = BlockFile.number(file, 8, 4)
            guard version == formatVersion else { throw BlockFileDamage("format version \(version)") }
            let blockCount = Int(BlockFile.number(file, 24, 4))
            // 2^32 entries of 16 bytes do not overflow.
            let bodyStart = headerBytes + blockCount * entryBytes
            guard file.byteCount >= bodyStart else { throw BlockFileDamage("cut short") }
            let crc = CRC.crc64nvme.update(
                CRC.crc64nvme.update(0, file.extracting(0..<64)), file.extracting(headerBytes..<bodyStart))
            guard crc == BlockFile.number(file, 64, 8) else { throw BlockFileDamage("checksum of the index") }

            let contentBytes = BlockFile.number(file, 16, 8)
            guard BlockFile.number(file, 12, 4) == blockBytes, BlockFile.number(file, 28, 4) == kind,
                contentBytes > 0, contentBytes <= UInt64(blockCount) * UInt64(blockBytes),
                contentBytes > UInt64(blockCount - 1) * UInt64(blockBytes),
                let digest = ContentDigest(bytes: (32..<64).map { BlockFile.byte(file, $0) })
            else { throw BlockFileDamage("fields that contradict each other") }
            self.contentBytes = Int(contentBytes)
            self.digest = digest

            var entries: [Entry] = []
            entries.reserveCapacity(blockCount)
            var offset = bodyStart
            for index in 0..<blockCount {
                let start = headerBytes + index * entryBytes
                let count = Int(BlockFile.number(file, start, 4))
                let isStored = BlockFile.number(file, start + 4, 4) == UInt64(storedFlag)
                let blockContentBytes = min(blockBytes, self.contentBytes - index * blockBytes)
                guard count > 0, isStored ? count == blockContentBytes : count < blockContentBytes else {
                    throw BlockFileDamage("size of block \(index)")
                }
                entries.append(
                    Entry(
                        range: offset..<(offset + count), isStored: isStored, crc: BlockFile.number(file, start + 8, 8))
                )
                offset += count
            }
            guard offset == file.byteCount else {
                throw BlockFileDamage("\(file.byteCount) bytes instead of \(offset)")
            }
            self.entries = entries
        }
    }

    /// Fills new memory with the content of a file, by several threads at once, and seals it.
    ///
    /// Every page of the file is read before it is touched, so that a file that became shorter is an error.
    static func hydrate(
        _ file: borrowing MappedFile, path: String, kind: UInt32, threadCount: Int
    ) throws(ModelCacheError) -> HydratedContent {
        let index = try checkedIndex(of: file, path: path, kind: kind)
        let staged: StagedMemory
        do throws(SealedMemoryError) {
            staged = try StagedMemory(name: "lodestore-model", sizeBytes: index.contentBytes)
        } catch {
            throw .memory(error)
        }
        try fill(staged, from: file, path: path, index: index, threadCount: threadCount)
        do throws(SealedMemoryError) {
            return HydratedContent(memory: try staged.sealed(), digest: index.digest)
        } catch {
            throw .memory(error)
        }
    }

    private static func fill(
        _ staged: borrowing StagedMemory, from file: borrowing MappedFile, path: String, index: Index, threadCount: Int
    ) throws(ModelCacheError) {
        let failure = Mutex<ModelCacheError?>(nil)
        // Invariant: both outlive the call, since inParallel returns after its threads; no two blocks share a byte of the target.
        let target = unsafe staged.bytes
        file.withBytes { bytes in
            unsafe bytes.withUnsafeBytes { source in
                let blocks = unsafe Blocks(source: source, target: target, index: index)
                inParallel(threadCount: threadCount, count: index.entries.count) { number in
                    guard failure.withLock({ $0 == nil }) else { return }
                    do throws(ModelCacheError) {
                        try unsafe blocks.fill(number, path: path)
                    } catch {
                        failure.withLock { $0 = $0 ?? error }
                    }
                }
            }
        }
        if let failure = failure.withLock({ $0 }) { throw failure }
    }

    private static func checkedIndex(
        of file: borrowing MappedFile, path: String, kind: UInt32
    ) throws(ModelCacheError) -> Index {
        do throws(FileError) {
            try file.populate(0..<file.byteCount)
        } catch {
            // Pages that the disk does not deliver, or that are there no more; a machine without memory is another matter.
            if error.code == ENOMEM || error.code == EAGAIN { throw .file(error) }
            throw .damaged(file: path, what: "\(error)")
        }
        do throws(BlockFileDamage) {
            return try file.withBytes { bytes throws(BlockFileDamage) in try Index(bytes, kind: kind) }
        } catch {
            throw .damaged(file: path, what: error.what)
        }
    }

    /// The two ends of hydration, for the threads that fill the memory.
    @unsafe private struct Blocks: @unchecked Sendable {
        // Sendable: the source is read-only, and each block of the target is written by one thread.
        let source: UnsafeRawBufferPointer
        let target: UnsafeMutableRawBufferPointer
        let index: Index

        func fill(_ number: Int, path: String) throws(ModelCacheError) {
            let entry = unsafe index.entries[number]
            let start = number * blockBytes
            let end = unsafe min(start + blockBytes, index.contentBytes)
            // Invariant: the ranges are within the file and the target, checked by Index.init.
            let block = unsafe UnsafeRawBufferPointer(rebasing: source[entry.range])
            let part = unsafe UnsafeMutableRawBufferPointer(rebasing: target[start..<end])
            guard unsafe CRC.crc64nvme.update(0, RawSpan(_unsafeBytes: block)) == entry.crc else {
                throw .damaged(file: path, what: "checksum of block \(number)")
            }
            // Page allocation is most of the cost: here every thread pays for its own pages, and lack of memory is an error.
            do throws(SealedMemoryError) { try unsafe populateForWriting(part) } catch { throw .memory(error) }
            if entry.isStored { return unsafe part.copyMemory(from: block) }
            do throws(LZ4Error) {
                try unsafe LZ4.decompress(block, into: part)
            } catch {
                throw .damaged(file: path, what: "block \(number)")
            }
        }
    }

    private static func byte(_ file: RawSpan, _ offset: Int) -> UInt8 {
        unsafe file.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// A little-endian number of `byteCount` bytes; the caller has checked that they are there.
    private static func number(_ file: RawSpan, _ offset: Int, _ byteCount: Int) -> UInt64 {
        (0..<byteCount).reduce(0) { $0 | UInt64(byte(file, offset + $1)) << (8 * UInt64($1)) }
    }
}
