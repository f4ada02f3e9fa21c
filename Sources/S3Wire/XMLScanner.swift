/// The parts of an XML document in their order, and whether they fit together.
///
/// It only goes forward: no byte is looked at more often than a fixed number of times, whatever the document holds. Every look is
/// counted, so that a test can hold it to that.
///
/// Source: "Extensible Markup Language (XML) 1.0", fifth edition.
struct XMLScanner {
    enum Token: Equatable {
        /// The name without its prefix.
        case opened(String)
        case closed
        /// Some was appended, or there was a comment.
        case text
        case ended
    }

    private let bytes: [UInt8]
    private var position = 0
    private(set) var steps = 0

    /// Whole names of the elements that are open.
    private var open: [Range<Int>] = []
    private var elementCount = 0
    private var attributeCount = 0
    /// After `<a/>`.
    private var closesNext = false

    /// - Parameter bytes: UTF-8.
    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// - Parameter text: receives text of the element that is open.
    mutating func next(into text: inout [UInt8]) throws(XMLReaderError) -> Token {
        if closesNext {
            closesNext = false
            open.removeLast()
            return .closed
        }
        guard let first = look() else {
            guard open.isEmpty else { throw .malformed(reason: "an element is not closed") }
            return .ended
        }
        guard first == UInt8(ascii: "<") else {
            if open.isEmpty { try blanksAroundRoot() } else { try characters(into: &text) }
            return .text
        }
        switch look(1) {
        case UInt8(ascii: "/"):
            try endTag()
            return .closed
        case UInt8(ascii: "?"): throw .notTaken(reason: "a processing instruction")
        case UInt8(ascii: "!"):
            if skip("<!--") {
                try comment()
            } else if !open.isEmpty, skip("<![CDATA[") {
                try section(into: &text)
            } else {
                throw .notTaken(reason: "a document type, or a declaration out of place")
            }
            return .text
        default: return .opened(try startTag())
        }
    }

    // MARK: Around the root

    /// `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`, or nothing, after a mark of the byte order.
    mutating func skipDeclaration() throws(XMLReaderError) {
        _ = skip([0xEF, 0xBB, 0xBF])
        guard look(5).map(Self.isBlank) == true, skip("<?xml") else { return }
        let malformed = XMLReaderError.malformed(reason: "the declaration is malformed")
        var count = 0
        while true {
            let hasBlanks = skipBlanks()
            if skip("?>") { break }
            guard hasBlanks else { throw malformed }
            // In this order, and the version at least.
            let name = bytes[try name()]
            guard let index = Self.declared.firstIndex(where: { name.elementsEqual($0.utf8) }),
                index >= count, index == 0 || count > 0
            else { throw malformed }
            count = index + 1
            let value = bytes[try attributeValue()]
            switch index {
            case 0:
                guard value.starts(with: "1.".utf8), value.count > 2, value.dropFirst(2).allSatisfy(Self.isDigit)
                else { throw malformed }
            case 1:
                guard value.elementsEqual("utf-8".utf8, by: { $0 == $1 || Self.beginsName($0) && $0 | 0x20 == $1 })
                else {
                    throw .notTaken(reason: "the document declares another encoding than UTF-8")
                }
            default:
                guard value.elementsEqual("yes".utf8) || value.elementsEqual("no".utf8) else { throw malformed }
            }
        }
        guard count > 0 else { throw malformed }
    }

    private mutating func blanksAroundRoot() throws(XMLReaderError) {
        guard skipBlanks() else { throw .malformed(reason: "text outside of the root") }
    }

    // MARK: Tags

    private mutating func startTag() throws(XMLReaderError) -> String {
        guard elementCount == 0 || !open.isEmpty else { throw .malformed(reason: "a second root") }
        elementCount += 1
        guard open.count < XMLReader.depthLimit else { throw .notTaken(reason: "elements nested too deep") }
        guard elementCount <= XMLReader.elementLimit else { throw .notTaken(reason: "too many elements") }
        position += 1
        let name = try name()
        var attributes: [Range<Int>] = []
        var attributeBytes = 0
        while true {
            let hasBlanks = skipBlanks()
            if skip(">") { break }
            if skip("/>") {
                closesNext = true
                break
            }
            guard hasBlanks else { throw .malformed(reason: "a tag is malformed") }
            attributeCount += 1
            guard attributes.count < XMLReader.attributeLimit, attributeCount <= XMLReader.elementLimit else {
                throw .notTaken(reason: "too many attributes")
            }
            let attribute = try self.name()
            attributeBytes += attribute.count + (try attributeValue()).count
            guard attributeBytes <= XMLReader.attributeLimitBytes else {
                throw .notTaken(reason: "attributes too large")
            }
            // Few, so that comparing each with each costs no more than reading them.
            for other in attributes where isSame(attribute, other) {
                throw .malformed(reason: "an attribute given twice")
            }
            attributes.append(attribute)
        }
        open.append(name)
        let local = bytes[name].lastIndex(of: UInt8(ascii: ":")).map { ($0 + 1)..<name.upperBound } ?? name
        return String(decoding: bytes[local], as: UTF8.self)
    }

    private mutating func endTag() throws(XMLReaderError) {
        position += 2
        let name = try name()
        _ = skipBlanks()
        guard skip(">"), let last = open.popLast(), isSame(name, last) else {
            throw .malformed(reason: "an end tag that closes nothing")
        }
    }

    /// A name with at most one prefix. Those of S3's documents are ASCII, and others are not taken: what looks alike is not the same.
    private mutating func name() throws(XMLReaderError) -> Range<Int> {
        let start = position
        var colons = 0
        while let byte = look() {
            if byte >= 0x80 { throw .notTaken(reason: "a name with other characters than ASCII's") }
            let isFirst = position == start || bytes[position - 1] == UInt8(ascii: ":")
            if byte == UInt8(ascii: ":"), !isFirst {
                colons += 1
            } else if !(isFirst ? Self.beginsName(byte) : Self.continuesName(byte)) {
                break
            }
            guard position - start < XMLReader.nameLimitBytes else { throw .notTaken(reason: "a name too long") }
            position += 1
        }
        guard position > start else { throw .malformed(reason: "a name is malformed") }
        guard bytes[position - 1] != UInt8(ascii: ":"), colons <= 1 else {
            throw .notTaken(reason: "a name with more than a prefix, or with nothing behind it")
        }
        return start..<position
    }

    /// What follows an attribute's name. Its references must be sound; nobody reads what they stand for.
    private mutating func attributeValue() throws(XMLReaderError) -> Range<Int> {
        _ = skipBlanks()
        guard skip("=") else { throw .malformed(reason: "an attribute without a value") }
        _ = skipBlanks()
        guard let quote = look(), quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
            throw .malformed(reason: "an attribute's value without quotes")
        }
        position += 1
        let start = position
        var dropped: [UInt8] = []
        while let byte = look(), byte != quote {
            guard position - start <= XMLReader.attributeLimitBytes else {
                throw .notTaken(reason: "attributes too large")
            }
            switch byte {
            case UInt8(ascii: "<"): throw .malformed(reason: "an attribute's value with <")
            case UInt8(ascii: "&"): try reference(into: &dropped)
            default: try passCharacter(byte)
            }
        }
        guard look() == quote else { throw .malformed(reason: "an attribute's value does not end") }
        position += 1
        return start..<(position - 1)
    }

    // MARK: Text

    /// Up to the next markup. Line ends become line feeds, as XML has it.
    private mutating func characters(into text: inout [UInt8]) throws(XMLReaderError) {
        var start = position
        while let byte = look(), byte != UInt8(ascii: "<") {
            switch byte {
            case UInt8(ascii: "&"):
                take(from: start, into: &text)
                try reference(into: &text)
                start = position
            case UInt8(ascii: "\r"): start = takeLineEnd(from: start, into: &text)
            case UInt8(ascii: "]") where look(1) == byte && look(2) == UInt8(ascii: ">"):
                throw .malformed(reason: "the end of a CDATA section without its begin")
            default: try passCharacter(byte)
            }
        }
        take(from: start, into: &text)
    }

    private mutating func section(into text: inout [UInt8]) throws(XMLReaderError) {
        var start = position
        while let byte = look() {
            if byte == UInt8(ascii: "]"), look(1) == byte, look(2) == UInt8(ascii: ">") {
                take(from: start, into: &text)
                position += 3
                return
            }
            if byte == UInt8(ascii: "\r") {
                start = takeLineEnd(from: start, into: &text)
            } else {
                try passCharacter(byte)
            }
        }
        throw .malformed(reason: "a CDATA section does not end")
    }

    private mutating func comment() throws(XMLReaderError) {
        while let byte = look() {
            if byte == UInt8(ascii: "-"), look(1) == byte {
                guard look(2) == UInt8(ascii: ">") else { throw .malformed(reason: "a comment with --") }
                position += 3
                return
            }
            try passCharacter(byte)
        }
        throw .malformed(reason: "a comment does not end")
    }

    private mutating func reference(into text: inout [UInt8]) throws(XMLReaderError) {
        if skip("&#") { return try characterReference(into: &text) }
        for (entity, byte) in Self.entities where skip(entity) {
            text.append(byte)
            return
        }
        throw .malformed(reason: "a reference to an entity that is not predefined")
    }

    private mutating func characterReference(into text: inout [UInt8]) throws(XMLReaderError) {
        let radix: UInt32 = skip("x") ? 16 : 10
        var number: UInt32 = 0
        var digitCount = 0
        while let digit = look().flatMap({ Self.digit($0, radix: radix) }) {
            position += 1
            digitCount += 1
            // At most 0x10FFFF before the step, so it cannot overflow.
            number = min(number * radix + digit, 0x11_0000)
        }
        guard digitCount > 0, skip(";"), let scalar = Unicode.Scalar(number), Self.isCharacter(scalar) else {
            throw .malformed(reason: "a reference to no character")
        }
        text += UTF8.encode(scalar)!
    }

    private mutating func take(from start: Int, into text: inout [UInt8]) {
        steps += position - start
        text += bytes[start..<position]
    }

    private mutating func takeLineEnd(from start: Int, into text: inout [UInt8]) -> Int {
        take(from: start, into: &text)
        text.append(UInt8(ascii: "\n"))
        position += look(1) == UInt8(ascii: "\n") ? 2 : 1
        return position
    }

    /// Passes one byte of a character that XML has.
    private mutating func passCharacter(_ byte: UInt8) throws(XMLReaderError) {
        // U+FFFE and U+FFFF.
        let isNone = byte == 0xEF && look(1) == 0xBF && (look(2) ?? 0) >= 0xBE
        guard !isNone, byte >= 0x20 || Self.isBlank(byte) else {
            throw .malformed(reason: "a character that XML has not")
        }
        position += 1
    }

    // MARK: Bytes

    /// The byte so far ahead; nil behind the end. All looks go through here.
    private mutating func look(_ distance: Int = 0) -> UInt8? {
        steps += 1
        let index = position + distance
        return index < bytes.count ? bytes[index] : nil
    }

    private mutating func skip(_ text: String) -> Bool { skip(text.utf8) }

    private mutating func skip(_ expected: some Collection<UInt8>) -> Bool {
        var distance = 0
        for byte in expected {
            guard look(distance) == byte else { return false }
            distance += 1
        }
        position += distance
        return true
    }

    private mutating func skipBlanks() -> Bool {
        let start = position
        while let byte = look(), Self.isBlank(byte) { position += 1 }
        return position > start
    }

    private mutating func isSame(_ left: Range<Int>, _ right: Range<Int>) -> Bool {
        guard left.count == right.count else { return false }
        steps += left.count
        return bytes[left].elementsEqual(bytes[right])
    }
}
