import CRocksDB

/// Holds what a table says of itself to its checksums: its footer, its index, its filter and its properties.
///
/// RocksDB goes on where the properties of a table are damaged and then reads its index by the wrong rules. The blocks of
/// data are verified by RocksDB whenever they are read.
///
/// Source: "Rocksdb BlockBasedTable Format", RocksDB wiki; footers of format 1 to 5.
package enum TableFile {
    private static let footerBytes = 53
    private static let magic: UInt64 = 0x88E2_41B7_85F4_CFF7
    /// Compression kind and checksum, behind each block.
    private static let trailerBytes = 5

    /// - Parameter prepare: called with each range before it is read.
    package static func fault<Failure: Error>(
        in bytes: RawSpan, prepare: (Range<Int>) throws(Failure) -> Void
    ) throws(Failure) -> FileFault? {
        let start = bytes.byteCount - footerBytes
        guard start >= 0 else { return FileFault(at: 0, "the file is too short for a table") }
        try prepare(start..<bytes.byteCount)
        let footer = bytes.copied(start..<bytes.byteCount)
        var reader = FileNumbers(footer, at: footerBytes - 12)
        guard let version = reader.fixed(4), let found = reader.fixed(8), found == magic, (1...5).contains(version)
        else {
            return FileFault(at: start, "the end of the file is not that of a table")
        }
        reader = FileNumbers(footer)
        guard let kind = reader.byte(), let metaindex = block(&reader), let index = block(&reader),
            footer[reader.position..<footerBytes - 12].allSatisfy({ $0 == 0 })
        else { return FileFault(at: start, "the footer of the table is not readable") }
        if let fault = try check(metaindex, kind, in: bytes, prepare) { return fault }
        guard let named = handles(bytes.copied(metaindex)) else {
            return FileFault(at: metaindex.lowerBound, "the list of the table's parts is not readable")
        }
        for part in [index] + named {
            if let fault = try check(part, kind, in: bytes, prepare) { return fault }
        }
        return nil
    }

    /// An offset and a size.
    private static func block(_ reader: inout FileNumbers) -> Range<Int>? {
        guard let offset = reader.varint(), let size = reader.varint(), offset < 1 << 50, size < 1 << 40 else {
            return nil
        }
        return Int(offset)..<Int(offset + size)
    }

    private static func check<Failure: Error>(
        _ block: Range<Int>, _ kind: UInt8, in bytes: RawSpan, _ prepare: (Range<Int>) throws(Failure) -> Void
    ) throws(Failure) -> FileFault? {
        let end = block.upperBound + trailerBytes
        guard end <= bytes.byteCount else {
            return FileFault(at: block.lowerBound, "a part of the table is not in the file")
        }
        try prepare(block.lowerBound..<end)
        var reader = FileNumbers(bytes.copied(block.upperBound..<end))
        guard let last = reader.byte(), let stored = reader.fixed(4) else { return nil }
        var computed: UInt32 = 0
        let isKnown = unsafe bytes.extracting(block).withUnsafeBytes {
            unsafe crocks_block_checksum(kind, $0.baseAddress, $0.count, last, &computed)
        }
        guard isKnown else {
            return FileFault(at: bytes.byteCount - footerBytes, "the table's kind of checksum is unknown")
        }
        return computed == UInt32(stored)
            ? nil : FileFault(at: block.lowerBound, "the checksum of a table's part is wrong")
    }

    /// The blocks that a block of names tells of.
    private static func handles(_ block: [UInt8]) -> [Range<Int>]? {
        var reader = FileNumbers(block, at: block.count - 4)
        guard block.count >= 4, let restarts = reader.fixed(4), restarts * 4 + 4 <= UInt64(block.count) else {
            return nil
        }
        let end = block.count - 4 - Int(restarts) * 4
        var found: [Range<Int>] = []
        reader = FileNumbers(Array(block[..<end]))
        while !reader.isAtEnd {
            guard reader.varint() != nil, let own = reader.varint(), let size = reader.varint(),
                own <= UInt64(end), size <= UInt64(end), reader.position + Int(own) + Int(size) <= end
            else { return nil }
            reader.position += Int(own)
            let next = reader.position + Int(size)
            guard let range = self.block(&reader), reader.position <= next else { return nil }
            reader.position = next
            found.append(range)
        }
        return found
    }
}
