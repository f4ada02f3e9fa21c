/// Text of others on a line of ours: what would end the line, move the cursor or turn the direction is written out.
extension Unicode.Scalar {
    /// Whether it is shown as itself: no control character, no line or paragraph separator, nothing that turns the direction of
    /// what follows or is not seen at all.
    ///
    /// Source: Unicode Standard Annex 9, section 2 (explicit directional formatting characters); general categories Cc, Zl, Zp.
    package var isPrintable: Bool {
        switch value {
        case 0..<0x20, 0x7F...0x9F, 0x061C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB,
            0xE0000...0xE007F:
            false
        default: true
        }
    }

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

/// The text with all that is not printable written out, and backslashes doubled, so that it can be told from what was
/// written so.
package func printable(_ text: String) -> String {
    var shown = ""
    for scalar in text.unicodeScalars {
        if scalar == "\\" {
            shown += "\\\\"
        } else if scalar.isPrintable {
            shown.unicodeScalars.append(scalar)
        } else {
            shown += scalar.escaped
        }
    }
    return shown
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
