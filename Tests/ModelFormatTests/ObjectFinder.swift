/// Where the objects of a document are, found without the readers under test.
struct ObjectFinder {
    struct Object {
        /// The keys that lead to it, with dots between them; elements of arrays have none, so that objects of one kind share a place.
        let place: String
        /// Behind its opening brace.
        let start: Int
        let isEmpty: Bool
    }

    private let bytes: [UInt8]
    private var position = 0
    private(set) var objects: [Object] = []

    /// - Parameter isBinary: Whether it is UBJSON.
    init(_ bytes: [UInt8], isBinary: Bool) {
        self.bytes = bytes
        if isBinary { binaryValue("") } else { textValue("") }
    }

    // MARK: JSON

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D, 0x2C, 0x3A].contains(bytes[position]) { position += 1 }
    }

    private mutating func text() -> String {
        let start = position + 1
        position = start
        while bytes[position] != UInt8(ascii: "\"") { position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1 }
        position += 1
        return String(decoding: bytes[start..<position - 1], as: UTF8.self)
    }

    private mutating func textValue(_ place: String) {
        skipSpace()
        switch bytes[position] {
        case UInt8(ascii: "{"):
            position += 1
            let start = position
            let index = objects.count
            skipSpace()
            objects.append(Object(place: place, start: start, isEmpty: bytes[position] == UInt8(ascii: "}")))
            while bytes[position] != UInt8(ascii: "}") {
                let key = text()
                textValue(objects[index].place.isEmpty ? key : "\(place).\(key)")
                skipSpace()
            }
            position += 1
        case UInt8(ascii: "["):
            position += 1
            skipSpace()
            while bytes[position] != UInt8(ascii: "]") {
                textValue(place)
                skipSpace()
            }
            position += 1
        case UInt8(ascii: "\""): _ = text()
        default:
            while position < bytes.count, !",]}".utf8.contains(bytes[position]) { position += 1 }
        }
    }

    // MARK: UBJSON

    private static let widths: [UInt8: Int] = [
        UInt8(ascii: "i"): 1, UInt8(ascii: "U"): 1, UInt8(ascii: "I"): 2, UInt8(ascii: "l"): 4, UInt8(ascii: "L"): 8,
        UInt8(ascii: "d"): 4, UInt8(ascii: "D"): 8, UInt8(ascii: "C"): 1,
    ]

    private mutating func count() -> Int {
        let width = Self.widths[bytes[position]]!
        var value = 0
        for offset in 1...width { value = value << 8 | Int(bytes[position + offset]) }
        position += 1 + width
        return value
    }

    private mutating func binaryText() -> String {
        let length = count()
        position += length
        return String(decoding: bytes[position - length..<position], as: UTF8.self)
    }

    private mutating func binaryValue(_ place: String) {
        let marker = bytes[position]
        position += 1
        switch marker {
        case UInt8(ascii: "{"):
            objects.append(Object(place: place, start: position, isEmpty: bytes[position] == UInt8(ascii: "}")))
            while bytes[position] != UInt8(ascii: "}") {
                let key = binaryText()
                binaryValue(place.isEmpty ? key : "\(place).\(key)")
            }
            position += 1
        case UInt8(ascii: "["):
            var type: UInt8?
            if bytes[position] == UInt8(ascii: "$") {
                type = bytes[position + 1]
                position += 2
            }
            if bytes[position] == UInt8(ascii: "#") {
                position += 1
                let length = count()
                if let type {
                    position += length * Self.widths[type]!
                } else {
                    for _ in 0..<length { binaryValue(place) }
                }
            } else {
                while bytes[position] != UInt8(ascii: "]") { binaryValue(place) }
                position += 1
            }
        case UInt8(ascii: "S"): _ = binaryText()
        default: position += Self.widths[marker] ?? 0
        }
    }
}
