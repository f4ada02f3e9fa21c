package import JSONReader

/// What is wrong with a value of a row. Its text is what the client is told, behind the value's place.
package enum ValueFault: Equatable, Sendable, CustomStringConvertible {
    /// What a place takes.
    package enum Wanted: String, Sendable {
        case number = "a number"
        case textOrNumber = "a text or a number"
        case text = "a text"
        case boolean = "true or false"
        case array = "an array"
    }

    /// A field of CSV, by its beginning.
    case text(String)
    /// A JSON string, by its beginning.
    case string(String, wanted: Wanted)
    /// Any other JSON value.
    case kind(JSONKind, wanted: Wanted)
    /// The encoder refuses the text, of which this is the beginning.
    case unknownText(String)
    /// Of a feature whose integers are texts.
    case neitherTextNorInteger
    /// Of a tensor of whole numbers, by its datatype.
    case outOfRange(String)
    case tooLong

    /// What a refusal shows of a text, in characters.
    static let shownCount = 40

    package var description: String {
        switch self {
        case .text(let text): "\"\(text)\" is not a number"
        case .string(let text, let wanted): "the string \"\(text)\" stands where \(wanted.rawValue) belongs"
        case .kind(let kind, let wanted): "\(Self.name(kind)) stands where \(wanted.rawValue) belongs"
        case .unknownText(let text): "the text \"\(text)\" is none that the feature's encoder takes"
        case .neitherTextNorInteger: "the number is neither a text nor an integer"
        case .outOfRange(let datatype): "the number is no whole number in the range of \(datatype)"
        case .tooLong: "the number has more than \(NumberText.maxBytes) characters"
        }
    }

    private static func name(_ kind: JSONKind) -> String {
        switch kind {
        case .object: "an object"
        case .array: "an array"
        case .string: "a string"
        case .number: "a number"
        case .boolean: "a boolean"
        case .null: "null"
        }
    }

    /// What stands next, in the place of what is wanted.
    init(_ json: inout JSONReader, wanted: Wanted) {
        // A value that cannot be read is told by its kind alone: that it is another than wanted is fault enough.
        guard let kind = try? json.peekKind() else {
            self = .kind(.null, wanted: wanted)
            return
        }
        if kind == .string, let text = try? json.readString() {
            self = .string(String(text.prefix(Self.shownCount)), wanted: wanted)
        } else {
            self = .kind(kind, wanted: wanted)
        }
    }

    /// A field of CSV that is no number.
    init(field: UnsafeBufferPointer<UInt8>) {
        self = unsafe NumberText.isTooLong(field) ? .tooLong : .text(Self.shown(field))
    }

    /// A text that an encoder refuses.
    init(unknown text: UnsafeBufferPointer<UInt8>) { self = unsafe .unknownText(Self.shown(text)) }

    private static func shown(_ text: UnsafeBufferPointer<UInt8>) -> String {
        unsafe String(String(decoding: text.prefix(shownCount * 4), as: UTF8.self).prefix(shownCount))
    }
}
