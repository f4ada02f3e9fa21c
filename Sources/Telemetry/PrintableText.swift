import Names

/// Text of others on a line of ours that may be JSON: what is not printable is written out as JSON writes it.
extension Unicode.Scalar {
    /// As JSON writes it: `\n`, `\r`, `\t`, or `\u` and four digits, twice beyond the first plane.
    package var escaped: String {
        switch self {
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        default: UTF16.encode(self)!.map { "\\u" + hexadecimal($0) }.joined()
        }
    }
}

/// A whole line of ours, in which some text of others may stand as it came; backslashes stay as they are.
package func printableLine(_ line: String) -> String {
    guard !line.unicodeScalars.allSatisfy(\.isPrintable) else { return line }
    var shown = ""
    for scalar in line.unicodeScalars {
        if scalar.isPrintable { shown.unicodeScalars.append(scalar) } else { shown += scalar.escaped }
    }
    return shown
}

private func hexadecimal(_ unit: UInt16) -> String {
    let digits = String(unit, radix: 16)
    return String(repeating: "0", count: 4 - digits.count) + digits
}
