import JSONReader

/// A document of objects, arrays, numbers and strings, pulled value by value: JSON or UBJSON.
protocol DocumentReader: ~Copyable {
    var documentOffset: Int { get }
    mutating func takeKind() throws(ModelFormatError) -> JSONKind
    mutating func enterObject() throws(ModelFormatError)
    mutating func takeKey() throws(ModelFormatError) -> String?
    mutating func enterArray() throws(ModelFormatError)
    mutating func takeElement() throws(ModelFormatError) -> Bool
    mutating func takeString() throws(ModelFormatError) -> String
    mutating func takeInt() throws(ModelFormatError) -> Int
    mutating func takeFloat() throws(ModelFormatError) -> Float
    /// A boolean, or a number that is 0 or 1.
    mutating func takeFlag() throws(ModelFormatError) -> Bool
    mutating func takeFloats() throws(ModelFormatError) -> [Float]
    mutating func takeInts() throws(ModelFormatError) -> [Int]
    mutating func skip() throws(ModelFormatError)
}

extension DocumentReader where Self: ~Copyable {
    mutating func takeStrings() throws(ModelFormatError) -> [String] {
        var strings: [String] = []
        try enterArray()
        while try takeElement() { strings.append(try takeString()) }
        return strings
    }

    mutating func takeFlags() throws(ModelFormatError) -> [Bool] {
        var flags: [Bool] = []
        try enterArray()
        while try takeElement() { flags.append(try takeFlag()) }
        return flags
    }

    /// An integer that some writers put in quotation marks.
    mutating func takeQuotedInt() throws(ModelFormatError) -> Int {
        guard try takeKind() == .string else { return try takeInt() }
        guard let value = Int(try takeString()) else {
            throw ModelFormatError(.malformed("an integer in quotation marks"), at: documentOffset)
        }
        return value
    }

    /// Calls `body` for each key of an object; it must take or skip the value.
    mutating func eachKey(
        _ body: (inout Self, String) throws(ModelFormatError) -> Void
    ) throws(ModelFormatError) {
        try enterObject()
        while let key = try takeKey() { try body(&self, key) }
    }
}

extension JSONReader: DocumentReader {
    var documentOffset: Int { offset }

    private mutating func reading<Value>(
        _ body: (inout JSONReader) throws(JSONError) -> Value
    ) throws(ModelFormatError) -> Value {
        do throws(JSONError) { return try body(&self) } catch {
            throw ModelFormatError(.json(error.reason), at: error.offset)
        }
    }

    mutating func takeKind() throws(ModelFormatError) -> JSONKind {
        try reading { (json) throws(JSONError) in try json.peekKind() }
    }
    mutating func enterObject() throws(ModelFormatError) {
        try reading { (json) throws(JSONError) in try json.beginObject() }
    }
    mutating func takeKey() throws(ModelFormatError) -> String? {
        try reading { (json) throws(JSONError) in try json.nextKey().map { json.string($0) } }
    }
    mutating func enterArray() throws(ModelFormatError) {
        try reading { (json) throws(JSONError) in try json.beginArray() }
    }
    mutating func takeElement() throws(ModelFormatError) -> Bool {
        try reading { (json) throws(JSONError) in try json.nextElement() }
    }
    mutating func takeString() throws(ModelFormatError) -> String {
        try reading { (json) throws(JSONError) in try json.readString() }
    }
    mutating func takeInt() throws(ModelFormatError) -> Int {
        try reading { (json) throws(JSONError) in try json.readInt() }
    }
    mutating func takeFloat() throws(ModelFormatError) -> Float {
        try reading { (json) throws(JSONError) in try json.readFloat() }
    }
    mutating func takeFlag() throws(ModelFormatError) -> Bool {
        try reading { (json) throws(JSONError) in
            try json.peekKind() == .boolean ? try json.readBool() : try json.readInt() == 1
        }
    }
    mutating func takeFloats() throws(ModelFormatError) -> [Float] {
        try reading { (json) throws(JSONError) in
            var values: [Float] = []
            try json.readFloats(into: &values)
            return values
        }
    }
    mutating func takeInts() throws(ModelFormatError) -> [Int] {
        try reading { (json) throws(JSONError) in
            var values: [Int] = []
            try json.readInts(into: &values)
            return values
        }
    }
    mutating func skip() throws(ModelFormatError) {
        try reading { (json) throws(JSONError) in try json.skipValue() }
    }
    mutating func takeDouble() throws(ModelFormatError) -> Double {
        try reading { (json) throws(JSONError) in try json.readDouble() }
    }
    /// The numbers of an array, or a single one.
    mutating func takeDoubles() throws(ModelFormatError) -> [Double] {
        try reading { (json) throws(JSONError) in
            if try json.peekKind() == .number { return [try json.readDouble()] }
            var values: [Double] = []
            try json.readDoubles(into: &values)
            return values
        }
    }
    /// Takes a null if it is the next value.
    mutating func takeNull() throws(ModelFormatError) -> Bool {
        try reading { (json) throws(JSONError) in try json.readNull() }
    }
    /// Appends the numbers of an array.
    mutating func takeFloats(into values: inout [Float]) throws(ModelFormatError) {
        do throws(JSONError) { try readFloats(into: &values) } catch {
            throw ModelFormatError(.json(error.reason), at: error.offset)
        }
    }
    /// Checks that nothing follows the document.
    mutating func takeEnd() throws(ModelFormatError) {
        try reading { (json) throws(JSONError) in try json.finish() }
    }
}
