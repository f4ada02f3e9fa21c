/// Why a text is not taken as JSON, and where.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Reason: String, Hashable, Sendable {
        case unexpectedEnd = "the text ends too early"
        case unexpectedByte = "this byte cannot stand here"
        case wrongKind = "the value is of another kind than expected"
        case malformedNumber = "not a JSON number"
        case numberTooLong = "the number has too many characters"
        case numberTooLarge = "the number is beyond the range of its type"
        case notAnInteger = "the number is not an integer in range"
        case malformedEscape = "not a JSON escape"
        case loneSurrogate = "half of a surrogate pair"
        case controlCharacter = "a control character in a string"
        case invalidUTF8 = "not UTF-8"
        case stringTooLong = "the string has too many bytes"
        case tooDeep = "the values are nested too deeply"
        case tooManyElements = "the array has too many elements"
        case trailingBytes = "bytes follow the value"
    }

    package let reason: Reason
    /// The position of the byte at fault, counted from 0.
    package let offset: Int

    package init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    package var description: String { "\(reason.rawValue), at byte \(offset)" }
}
