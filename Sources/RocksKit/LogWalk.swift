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

    private enum Step {
        case record(_ start: Int, [UInt8], end: Int)
        case stop(Stop)
        case end
    }

    private struct Stop {
        let fault: FileFault
        let recordStart: Int
        let isTorn: Bool
        /// A record begins here, and one before it has no end.
        let isMisplaced: Bool
    }

    /// - Parameters:
    ///   - holdsBatches: whether it is a log; the records of a manifest have no order of their own.
    ///   - visit: told where each whole record begins, and its payload.
    /// - Returns: nil when the file ends behind a whole record.
    package static func walk(
        _ bytes: RawSpan, holdsBatches: Bool = true, _ visit: (_ start: Int, _ record: [UInt8]) -> Void
    ) -> LogBreak? {
        var order = LogOrder()
        let stop = read(bytes, from: 0) { start, record in
            if holdsBatches { order.take(record) }
            visit(start, record)
        }
        return stop.map { stop in
            LogBreak(
                fault: stop.fault, recordStart: stop.recordStart, isTorn: stop.isTorn,
                resumesAt: evidence(in: bytes, behind: stop, holdsBatches ? order : nil))
        }
    }

    /// Visits every write of a log that is whole, also behind damage, each later in RocksDB's count than the one before.
    package static func walkOverBreaks(_ bytes: RawSpan, _ visit: (_ start: Int, _ record: [UInt8]) -> Void) {
        var order = LogOrder()
        var next: Int? = 0
        while let position = next {
            let stop = read(bytes, from: position) { start, record in
                guard order.follows(record) else { return }
                order.take(record)
                visit(start, record)
            }
            next = stop.flatMap { resumption(in: bytes, behind: $0) }
        }
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

    /// Reads on from the head of a record until the end or what is not whole.
    private static func read(
        _ bytes: RawSpan, from begin: Int, _ visit: (_ start: Int, _ record: [UInt8]) -> Void
    ) -> Stop? {
        var position = begin
        while true {
            switch step(in: bytes, at: position) {
            case .end: return nil
            case .stop(let stop): return stop
            case .record(let start, let record, let end):
                visit(start, record)
                position = end
            }
        }
    }

    private static func step(in bytes: RawSpan, at begin: Int) -> Step {
        var position = begin
        var start: Int?
        var gathered: [UInt8] = []
        func stop(_ reason: String, isTorn: Bool, isMisplaced: Bool = false) -> Step {
            let fault = FileFault(at: position, reason)
            return .stop(
                Stop(fault: fault, recordStart: start ?? position, isTorn: isTorn, isMisplaced: isMisplaced))
        }
        while true {
            let room = blockBytes - position % blockBytes
            if room < headBytes { position += room }
            guard position < bytes.byteCount else {
                if start == nil { return .end }
                position = bytes.byteCount
                return stop("the file ends within a record", isTorn: true)
            }
            switch piece(of: bytes, at: position) {
            case .broken(let reason, let isTorn): return stop(reason, isTorn: isTorn)
            case .whole(let kind, let payload):
                guard (kind == full || kind == first) == (start == nil) else {
                    return stop("a piece stands where it does not belong", isTorn: false, isMisplaced: start != nil)
                }
                if start == nil { start = position }
                unsafe bytes.extracting(payload).withUnsafeBytes { unsafe gathered.append(contentsOf: $0) }
                position = payload.upperBound
                if kind == full || kind == last { return .record(start ?? begin, gathered, end: position) }
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

    /// Where a record stands behind a break that was written after what the break took, if any does.
    ///
    /// The payload of a record may be anything, a log of RocksDB's too. So what stands within the piece that is broken counts
    /// only where the piece's checksum says that it ended there and its length is wrong.
    private static func evidence(in bytes: RawSpan, behind stop: Stop, _ order: LogOrder?) -> Int? {
        let position = stop.fault.offset
        let blockEnd = position - position % blockBytes + blockBytes
        let limit = min(blockEnd, bytes.byteCount)
        let end = statedEnd(of: bytes, at: position).flatMap { $0 <= blockEnd ? $0 : nil } ?? position
        for candidate in position + 1..<max(position + 1, limit - headBytes)
        where mayBegin(bytes, at: candidate) && (candidate >= end || fits(bytes, position, endingAt: candidate)) {
            guard case .record(_, let record, _) = step(in: bytes, at: candidate) else { continue }
            if order?.follows(record) ?? true { return candidate }
        }
        // No payload reaches over the start of a block.
        return stride(from: blockEnd, to: bytes.byteCount, by: blockBytes).first { isWhole(bytes, at: $0) }
    }

    /// The next place behind a break where the writer put a head: behind the piece, or where a block starts.
    private static func resumption(in bytes: RawSpan, behind stop: Stop) -> Int? {
        let position = stop.fault.offset
        if stop.isMisplaced { return position }
        let blockEnd = position - position % blockBytes + blockBytes
        let limit = min(blockEnd, bytes.byteCount)
        for candidate in position + 1..<max(position + 1, limit - headBytes)
        where mayBegin(bytes, at: candidate) && isWhole(bytes, at: candidate)
            && fits(bytes, position, endingAt: candidate)
        {
            return candidate
        }
        if let end = statedEnd(of: bytes, at: position), end < limit, isWhole(bytes, at: end) { return end }
        return blockEnd < bytes.byteCount ? blockEnd : nil
    }

    /// Where a piece ends by its own length; nil for one that has none.
    private static func statedEnd(of bytes: RawSpan, at position: Int) -> Int? {
        guard bytes.byteCount - position >= headBytes, number(bytes, at: position, width: headBytes) != 0 else {
            return nil
        }
        return position + headBytes + number(bytes, at: position + 4, width: 2)
    }

    /// Whether a piece's checksum is that of its bytes up to here, whatever its length says.
    private static func fits(_ bytes: RawSpan, _ position: Int, endingAt end: Int) -> Bool {
        end >= position + headBytes
            && maskedChecksum(of: bytes, position + 6..<end) == UInt32(number(bytes, at: position, width: 4))
    }

    private static func mayBegin(_ bytes: RawSpan, at position: Int) -> Bool {
        let kind = byte(bytes, position + 6)
        return kind == full || kind == first
    }

    private static func isWhole(_ bytes: RawSpan, at position: Int) -> Bool {
        guard position + headBytes < bytes.byteCount, (full...last).contains(byte(bytes, position + 6)) else {
            return false
        }
        if case .whole(_, let payload) = piece(of: bytes, at: position) { return !payload.isEmpty }
        return false
    }
}
