/// Reads `golden.csv` field by field, in the order of its bytes.
///
/// One field is held at a time, whatever stands in the file: a line of a million commas makes no million objects, and its
/// reader can stop at the first field too many.
struct GoldenReader {
    static let fieldLimitBytes = 64 << 10

    private let bytes: [UInt8]
    private var position = 0
    /// Lines begun so far, the one at `position` included.
    private var lineCount = 1
    private var hasField = false

    /// The line that was begun last, counted from 1; at the end of the file the last one.
    private(set) var line = 1
    /// What was read last, without its quotation marks.
    private(set) var field: [UInt8] = []

    private static let (mark, comma, lineFeed) = (UInt8(ascii: "\""), UInt8(ascii: ","), UInt8(ascii: "\n"))
    private static let (carriageReturn, number) = (UInt8(ascii: "\r"), UInt8(ascii: "#"))

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Goes to the next line that is neither empty nor a comment; all fields of the one before were read.
    ///
    /// - Returns: false at the end of the file.
    mutating func beginLine() throws(GoldenError) -> Bool {
        while position < bytes.count {
            if isLineEnd {
                endLine()
            } else if bytes[position] == Self.number {
                while !isLineEnd { position += 1 }
                endLine()
            } else {
                line = lineCount
                hasField = true
                return true
            }
        }
        line = lineCount
        return false
    }

    /// Reads the next field of the line.
    ///
    /// - Returns: false behind the last one.
    /// - Throws: ``GoldenError/malformed(line:_:)`` where a quotation mark stands where RFC 4180 has none.
    mutating func readField() throws(GoldenError) -> Bool {
        guard hasField else { return false }
        field.removeAll(keepingCapacity: true)
        if position < bytes.count, bytes[position] == Self.mark { try readQuoted() } else { try readPlain() }
        if position < bytes.count, bytes[position] == Self.comma {
            position += 1
        } else {
            guard isLineEnd else { throw outOfPlace }
            hasField = false
            endLine()
        }
        return true
    }

    private mutating func readPlain() throws(GoldenError) {
        while !isLineEnd, bytes[position] != Self.comma {
            guard bytes[position] != Self.mark else { throw outOfPlace }
            try take()
        }
    }

    private mutating func readQuoted() throws(GoldenError) {
        position += 1
        while true {
            guard position < bytes.count, bytes[position] != Self.lineFeed else { throw outOfPlace }
            if bytes[position] == Self.mark {
                position += 1
                // Two marks stand for one.
                guard position < bytes.count, bytes[position] == Self.mark else { return }
            }
            try take()
        }
    }

    private mutating func take() throws(GoldenError) {
        guard field.count < Self.fieldLimitBytes else {
            throw .malformed(line: line, "a field of more than \(Self.fieldLimitBytes) bytes")
        }
        field.append(bytes[position])
        position += 1
    }

    private var outOfPlace: GoldenError { .malformed(line: line, "a quotation mark out of place") }

    /// Whether the line ends here: at LF, CRLF, or the end of the file with or without a CR.
    private var isLineEnd: Bool {
        guard position < bytes.count else { return true }
        if bytes[position] == Self.lineFeed { return true }
        guard bytes[position] == Self.carriageReturn else { return false }
        return position + 1 == bytes.count || bytes[position + 1] == Self.lineFeed
    }

    private mutating func endLine() {
        if position < bytes.count, bytes[position] == Self.carriageReturn { position += 1 }
        guard position < bytes.count else { return }
        position += 1
        lineCount += 1
    }
}
