extension StringProtocol {
    /// The text for a line that someone reads: what could end the line, move a terminal's cursor, turn the direction of
    /// reading or not be seen at all stands as an escape, and a backslash is doubled, so that no two texts print as the
    /// same bytes.
    package var printable: String {
        // As names nearly always are.
        if utf8.allSatisfy({ (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "\\") }) { return String(self) }
        var result = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where !scalar.isPrintable: result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension Unicode.Scalar {
    /// Whether it is shown as itself: no control character, no end of a line, nothing that turns the direction of what follows or is
    /// not seen at all.
    package var isPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: false
        case .spaceSeparator: self == " "
        default: true
        }
    }
}
