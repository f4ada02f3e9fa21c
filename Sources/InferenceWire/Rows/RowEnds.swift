/// Steps from row to row through a text, without reading what the rows hold.
///
/// In JSON lines a row takes the blank lines before it along. A JSON document has no rows that could be told apart this way.
@safe struct RowEnds {
    // Invariant: lent by the caller for the whole life of the value.
    private let text: UnsafeRawBufferPointer
    private let form: Form
    /// Where the last row that was stepped over ends, its line end included.
    private(set) var end = 0
    /// Whether that row is a line of blanks.
    private(set) var isBlank = true

    private enum Form { case lines, linesOrBlanks, quotedLines, document }

    init(_ text: UnsafeRawBufferPointer, as format: RowFormat, schema: RowSchema) {
        unsafe self.text = text
        form =
            switch format {
            case .csv where schema.texts == nil: .lines
            case .csv, .csvWithHeader: .quotedLines
            case .jsonLines: .linesOrBlanks
            case .json: .document
            }
    }

    /// Steps over the next row; false, and nothing is stepped over, where the text ends before the row's line does.
    mutating func next() -> Bool {
        if form == .document { return false }
        let wasBlank = isBlank
        isBlank = true
        var place = Place.fieldStart
        for index in unsafe end..<text.count {
            let byte = unsafe text[index]
            if form == .quotedLines { place.step(over: byte) }
            if byte == UInt8(ascii: "\n"), place != .quoted, !isBlank || form != .linesOrBlanks {
                end = index + 1
                return true
            }
            isBlank = isBlank && isSpace(byte)
        }
        isBlank = wasBlank
        return false
    }

    private func isSpace(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: " "), UInt8(ascii: "\r"), UInt8(ascii: "\n"): true
        // The reader of JSON lines takes it for content.
        case UInt8(ascii: "\t"): form != .linesOrBlanks
        default: false
        }
    }

    /// Where in a row of CSV a byte stands. A quotation mark counts where a field begins with it, after blanks; a line end
    /// within such a field belongs to it.
    private enum Place {
        case fieldStart, plain, quoted, behindQuote

        mutating func step(over byte: UInt8) {
            switch (self, byte) {
            case (.quoted, UInt8(ascii: "\"")): self = .behindQuote
            case (.quoted, _): break
            case (.behindQuote, UInt8(ascii: "\"")), (.fieldStart, UInt8(ascii: "\"")): self = .quoted
            case (_, UInt8(ascii: ",")): self = .fieldStart
            case (.fieldStart, UInt8(ascii: " ")), (.fieldStart, UInt8(ascii: "\t")),
                (.fieldStart, UInt8(ascii: "\r")):
                break
            default: self = .plain
            }
        }
    }
}
