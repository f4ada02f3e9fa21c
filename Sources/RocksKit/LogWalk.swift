/// Where a log stops being readable.
package struct LogBreak: Hashable, Sendable {
    package let fault: FileFault
    /// Where the record begins that is not whole: everything before it is.
    package let recordStart: Int
    /// Whether a crash can have left it so: the bytes end too early, or a piece of the disk was never written.
    package let isTorn: Bool
    /// Where whole records go on behind it, if any do.
    package let resumesAt: Int?

    /// Whether it is what a crash leaves at the end of the log that was being written, and nothing else.
    package var isTornTail: Bool { isTorn && resumesAt == nil }
}

/// Reads a file of RocksDB's log format (its logs and its manifest) record by record, every checksum verified.
///
/// A file is a row of blocks of 32 KiB. A record is one piece, or a first, middle ones and a last; no piece crosses a block.
/// A piece is: masked CRC32C of kind and payload (4 bytes), length (2), kind (1), payload. Less than a head's room at the end
/// of a block is left empty.
///
/// Source: "Write Ahead Log File Format", RocksDB wiki.
package enum LogWalk {
    private static let blockBytes = 32 << 10
    private static let headBytes = 7
    /// The least that a disk writes whole.
    private static let sectorBytes = 512
    private static let full: UInt8 = 1
    private static let first: UInt8 = 2
    private static let middle: UInt8 = 3
    private static let last: UInt8 = 4

    private enum Piece {
        case whole(kind: UInt8, payload: Range<Int>)
        case broken(String, isTorn: Bool)
    }

    /// - Parameter visit: told where each whole record begins, and its payload.
    /// - Returns: nil when the file ends behind a whole record.
    package static func walk(_ bytes: RawSpan, _ visit: (_ start: Int, _ record: [UInt8]) -> Void) -> LogBreak? {
        walk(bytes, from: 0, visit)
    }

    /// Visits every record that is whole, also behind damage.
    package static func walkOverBreaks(_ bytes: RawSpan, _ visit: (_ start: Int, _ record: [UInt8]) -> Void) {
        var position = 0
        while let next = walk(bytes, from: position, visit)?.resumesAt { position = next }
    }

    /// The file that holds these records and nothing else.
    package static func file(of records: [[UInt8]]) -> [UInt8] {
        var bytes: [UInt8] = []
        for record in records {
            var rest = record[...]
            var isFirst = true
            repeat {
                let room = blockBytes - bytes.count % blockBytes
                if room <= headBytes { bytes += [UInt8](repeating: 0, count: room) }
                let length = min(rest.count, blockBytes - bytes.count % blockBytes - headBytes)
                let isLast = length == rest.count
                let kind = isFirst ? (isLast ? full : first) : (isLast ? last : middle)
                let payload = [kind] + rest.prefix(length)
                let sum = unsafe maskedChecksum(of: payload.span.bytes, 0..<payload.count)
                bytes += (0..<4).map { UInt8(truncatingIfNeeded: sum >> UInt32(8 * $0)) }
                bytes += [UInt8(truncatingIfNeeded: length), UInt8(truncatingIfNeeded: length >> 8)]
                bytes += payload
                rest = rest.dropFirst(length)
                isFirst = false
            } while !rest.isEmpty
        }
        return bytes
    }

    private static func walk(
        _ bytes: RawSpan, from begin: Int, _ visit: (_ start: Int, _ record: [UInt8]) -> Void
    ) -> LogBreak? {
        var position = begin
        var start = 0
        var gathered: [UInt8]?
        func broken(_ reason: String, isTorn: Bool) -> LogBreak {
            let recordStart = gathered == nil ? position : start
            return LogBreak(
                fault: FileFault(at: position, reason), recordStart: recordStart, isTorn: isTorn,
                resumesAt: nextWhole(in: bytes, after: position))
        }
        while true {
            let room = blockBytes - position % blockBytes
            if room < headBytes { position += room }
            guard position < bytes.byteCount else {
                if gathered == nil { return nil }
                position = bytes.byteCount
                return broken("the file ends within a record", isTorn: true)
            }
            switch piece(of: bytes, at: position) {
            case .broken(let reason, let isTorn): return broken(reason, isTorn: isTorn)
            case .whole(let kind, let payload):
                guard (kind == full || kind == first) == (gathered == nil) else {
                    return broken("a piece stands where it does not belong", isTorn: false)
                }
                if gathered == nil { start = position }
                unsafe bytes.extracting(payload).withUnsafeBytes { unsafe gathered = (gathered ?? []) + $0 }
                position = payload.upperBound
                if kind == full || kind == last {
                    visit(start, gathered ?? [])
                    gathered = nil
                }
            }
        }
    }

    private static func number(_ bytes: RawSpan, at offset: Int, width: Int) -> Int {
        var value = 0
        for index in (0..<width).reversed() { value = value << 8 | Int(byte(bytes, offset + index)) }
        return value
    }

    private static func byte(_ bytes: RawSpan, _ offset: Int) -> UInt8 {
        unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// What stands at an offset within the file.
    private static func piece(of bytes: RawSpan, at position: Int) -> Piece {
        let blockEnd = position - position % blockBytes + blockBytes
        let rest = bytes.byteCount - position
        guard rest >= headBytes else { return .broken("the file ends within the head of a record", isTorn: true) }
        let stored = number(bytes, at: position, width: 4)
        let length = number(bytes, at: position + 4, width: 2)
        let kind = byte(bytes, position + 6)
        let end = position + headBytes + length
        if stored == 0, length == 0, kind == 0 {
            return .broken("zeros stand where a record belongs", isTorn: true)
        }
        let limit = min(blockEnd, bytes.byteCount)
        guard end <= blockEnd else {
            return .broken(
                "a record's length leaves its block", isTorn: holdsUnwritten(bytes, position..<limit))
        }
        guard end <= bytes.byteCount else {
            // Cut short, unless the checksum says that all of it is here and only the length is wrong.
            let isWhole = maskedChecksum(of: bytes, position + 6..<bytes.byteCount) == UInt32(stored)
            return .broken(
                isWhole ? "a record's length is wrong" : "the file ends within a record", isTorn: !isWhole)
        }
        guard maskedChecksum(of: bytes, position + 6..<end) == UInt32(stored) else {
            return .broken("a record's checksum is wrong", isTorn: holdsUnwritten(bytes, position..<end))
        }
        guard (full...last).contains(kind) else { return .broken("a record is of unknown kind \(kind)", isTorn: false) }
        return .whole(kind: kind, payload: position + headBytes..<end)
    }

    /// Whether a sector of the range, or the part of one that lies in it, is all zeros: what a disk shows of bytes that never
    /// reached it.
    private static func holdsUnwritten(_ bytes: RawSpan, _ range: Range<Int>) -> Bool {
        var start = range.lowerBound
        while start < range.upperBound {
            let end = min(range.upperBound, start - start % sectorBytes + sectorBytes)
            // A few zeros at the edge of a sector are nothing out of the ordinary.
            if end - start >= headBytes, (start..<end).allSatisfy({ byte(bytes, $0) == 0 }) { return true }
            start = end
        }
        return false
    }

    /// The next place behind a break where a piece is whole.
    private static func nextWhole(in bytes: RawSpan, after position: Int) -> Int? {
        let blockEnd = position - position % blockBytes + blockBytes
        // The length may be what is broken, so every offset of the block is tried. Their checksums are cheap: few offsets
        // hold a kind and a length that are possible.
        var candidate = position + 1
        while candidate + headBytes < min(blockEnd, bytes.byteCount) {
            if isWhole(bytes, at: candidate) { return candidate }
            candidate += 1
        }
        candidate = blockEnd
        while candidate < bytes.byteCount {
            if isWhole(bytes, at: candidate) { return candidate }
            candidate += blockBytes
        }
        return nil
    }

    private static func isWhole(_ bytes: RawSpan, at position: Int) -> Bool {
        guard position + headBytes < bytes.byteCount, (full...last).contains(byte(bytes, position + 6)) else {
            return false
        }
        if case .whole(_, let payload) = piece(of: bytes, at: position) { return !payload.isEmpty }
        return false
    }
}
