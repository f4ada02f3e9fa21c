/// Reads a Python pickle as data (protocols 2 to 5; opcodes from CPython's `Lib/pickletools.py`).
///
/// Nothing is imported and nothing is called. The few callables that a pickled booster names are understood for what they
/// build; any other is refused by its name where it is named. Values live in arenas and refer to each other by number, so
/// that hostile nesting costs neither stack nor more memory than its bytes.
struct PickleMachine {
    enum Value {
        case none
        case boolean(Bool)
        case integer(Int)
        case float(Double)
        case text(Int)
        /// Bytes of the pickle itself.
        case bytes(start: Int, count: Int)
        /// Bytes that protocol 2 writes as text.
        case recoded(Int)
        case tuple(Int)
        case list(Int)
        case dictionary(Int)
        case callable(Callable)
        case object(Int)
    }
    enum Callable {
        case booster, byteArray, encode
    }

    /// A booster with a million feature names takes three millions; an opcode of one byte may make a list of thirty.
    private static let stepLimitCount = 1 << 22

    private let limits: ModelLimits
    private(set) var cursor: ByteCursor
    private var stack: [Value] = []
    private var marks: [Int] = []
    private var memo: [Int: Value] = [:]
    private(set) var texts: [String] = []
    private(set) var recoded: [[UInt8]] = []
    private(set) var tuples: [[Value]] = []
    private(set) var lists: [[Value]] = []
    private(set) var dictionaries: [[(key: Value, value: Value)]] = []
    /// The state that each object was built with.
    private(set) var objects: [Value] = []

    init(_ cursor: ByteCursor, limits: ModelLimits) {
        self.cursor = cursor
        self.limits = limits
    }

    /// Reads to the end and answers what the pickle stands for.
    mutating func run() throws(ModelFormatError) -> Value {
        var stepCount = 0
        while true {
            let start = cursor.offset
            stepCount += 1
            guard stepCount <= Self.stepLimitCount else {
                throw ModelFormatError(.tooLarge("pickle opcodes"), at: start)
            }
            let opcode = try cursor.byte()
            if opcode == UInt8(ascii: ".") {
                guard stack.count == 1 else { throw malformed("a pickle of one value") }
                return stack[0]
            }
            try step(opcode, at: start)
        }
    }

    private mutating func step(_ opcode: UInt8, at start: Int) throws(ModelFormatError) {
        switch opcode {
        case 0x80:
            let version = try cursor.byte()
            guard (2...5).contains(version) else {
                throw ModelFormatError(.unsupported("pickle protocol \(version)"), at: start)
            }
        case 0x95: try cursor.skip(8)
        case UInt8(ascii: "("): marks.append(stack.count)
        case UInt8(ascii: "N"): stack.append(.none)
        case 0x88: stack.append(.boolean(true))
        case 0x89: stack.append(.boolean(false))
        case UInt8(ascii: "K"): stack.append(.integer(Int(try cursor.byte())))
        case UInt8(ascii: "M"): stack.append(.integer(Int(try cursor.littleEndian(UInt16.self))))
        case UInt8(ascii: "J"): stack.append(.integer(Int(try cursor.littleEndian(Int32.self))))
        case 0x8A: stack.append(.integer(try long()))
        case UInt8(ascii: "G"): stack.append(.float(Double(bitPattern: try cursor.bigEndian(UInt64.self))))
        case 0x8C: try pushText(Int(try cursor.byte()))
        case UInt8(ascii: "X"): try pushText(Int(try cursor.littleEndian(UInt32.self)))
        case 0x8D: try pushText(try length())
        case UInt8(ascii: "C"): try pushBytes(Int(try cursor.byte()))
        case UInt8(ascii: "B"): try pushBytes(Int(try cursor.littleEndian(UInt32.self)))
        case 0x8E, 0x96: try pushBytes(try length())
        case UInt8(ascii: ")"): pushTuple([])
        case 0x85: pushTuple(try pop(1))
        case 0x86: pushTuple(try pop(2))
        case 0x87: pushTuple(try pop(3))
        case UInt8(ascii: "t"): pushTuple(try popMark())
        case UInt8(ascii: "]"):
            lists.append([])
            stack.append(.list(lists.count - 1))
        case UInt8(ascii: "a"): try append(try pop(1))
        case UInt8(ascii: "e"): try append(try popMark())
        case UInt8(ascii: "}"):
            dictionaries.append([])
            stack.append(.dictionary(dictionaries.count - 1))
        case UInt8(ascii: "s"): try setItems(try pop(2))
        case UInt8(ascii: "u"): try setItems(try popMark())
        case UInt8(ascii: "c"): stack.append(.callable(try callable(module: try line(), name: try line(), at: start)))
        case 0x93:
            let names = try pop(2)
            guard case .text(let module) = names[0], case .text(let name) = names[1] else { throw malformed("a name") }
            stack.append(.callable(try callable(module: texts[module], name: texts[name], at: start)))
        case 0x81, UInt8(ascii: "R"): try make()
        case UInt8(ascii: "b"): try build()
        case 0x94: memo[memo.count] = try top()
        case UInt8(ascii: "q"): memo[Int(try cursor.byte())] = try top()
        case UInt8(ascii: "r"): memo[Int(try cursor.littleEndian(UInt32.self))] = try top()
        case UInt8(ascii: "h"): try recall(Int(try cursor.byte()))
        case UInt8(ascii: "j"): try recall(Int(try cursor.littleEndian(UInt32.self)))
        default: throw ModelFormatError(.unsupported("pickle opcode \(opcode)"), at: start)
        }
    }

    // MARK: Objects

    /// The only names that are let in. Protocol 2 says `__builtin__` for `builtins` and writes bytes as text to be encoded.
    private func callable(module: String, name: String, at start: Int) throws(ModelFormatError) -> Callable {
        switch (module, name) {
        case ("xgboost.core", "Booster"): return .booster
        case ("builtins", "bytearray"), ("__builtin__", "bytearray"): return .byteArray
        case ("_codecs", "encode"): return .encode
        default: throw ModelFormatError(.refusedCallable("\(module.prefix(64)).\(name.prefix(64))"), at: start)
        }
    }

    private mutating func make() throws(ModelFormatError) {
        let parts = try pop(2)
        guard case .callable(let callable) = parts[0], case .tuple(let index) = parts[1] else {
            throw malformed("a call")
        }
        let arguments = tuples[index]
        switch (callable, arguments.count) {
        case (.booster, 0):
            objects.append(.none)
            stack.append(.object(objects.count - 1))
        case (.byteArray, 1):
            switch arguments[0] {
            case .bytes, .recoded: stack.append(arguments[0])
            default: throw malformed("bytes")
            }
        case (.byteArray, 2), (.encode, 2):
            // With text and 'latin-1': each character is a byte. Once, since a pickle could ask for it over and over.
            guard recoded.isEmpty, case .text(let text) = arguments[0], case .text(let coding) = arguments[1],
                ["latin-1", "latin1"].contains(texts[coding])
            else { throw malformed("bytes as text") }
            var bytes: [UInt8] = []
            bytes.reserveCapacity(texts[text].utf8.count)
            for scalar in texts[text].unicodeScalars {
                guard let byte = UInt8(exactly: scalar.value) else { throw malformed("bytes as text") }
                bytes.append(byte)
            }
            recoded.append(bytes)
            stack.append(.recoded(recoded.count - 1))
        default: throw malformed("the arguments of a call")
        }
    }

    private mutating func build() throws(ModelFormatError) {
        let state = try pop(1)[0]
        guard case .object(let index) = try top() else { throw malformed("an object to fill") }
        objects[index] = state
    }

    // MARK: Containers

    private mutating func pushTuple(_ values: [Value]) {
        tuples.append(values)
        stack.append(.tuple(tuples.count - 1))
    }

    private mutating func append(_ values: [Value]) throws(ModelFormatError) {
        guard case .list(let index) = try top() else { throw malformed("a list") }
        lists[index] += values
    }

    private mutating func setItems(_ values: [Value]) throws(ModelFormatError) {
        guard case .dictionary(let index) = try top(), values.count.isMultiple(of: 2) else {
            throw malformed("a dictionary")
        }
        for position in stride(from: 0, to: values.count, by: 2) {
            dictionaries[index].append((key: values[position], value: values[position + 1]))
        }
    }

    // MARK: Stack and memo

    private func top() throws(ModelFormatError) -> Value {
        guard let value = stack.last, stack.count > marks.last ?? 0 else { throw malformed("a value") }
        return value
    }

    private mutating func pop(_ count: Int) throws(ModelFormatError) -> [Value] {
        guard stack.count - (marks.last ?? 0) >= count else { throw malformed("a value") }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popMark() throws(ModelFormatError) -> [Value] {
        guard let mark = marks.popLast() else { throw malformed("a mark") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private mutating func recall(_ number: Int) throws(ModelFormatError) {
        guard let value = memo[number] else { throw malformed("a memo") }
        stack.append(value)
    }

    // MARK: Scalars

    private mutating func length() throws(ModelFormatError) -> Int {
        let length = try cursor.littleEndian(UInt64.self)
        guard length <= UInt64(cursor.remainingCount) else { throw ModelFormatError(.truncated, at: cursor.offset) }
        return Int(length)
    }

    private mutating func pushText(_ count: Int) throws(ModelFormatError) {
        // Protocol 2 writes the model itself as text, so that this may be as long as the pickle.
        texts.append(try cursor.text(count, limits: ModelLimits(maxStringBytes: .max)))
        stack.append(.text(texts.count - 1))
    }

    private mutating func pushBytes(_ count: Int) throws(ModelFormatError) {
        stack.append(.bytes(start: cursor.position, count: count))
        try cursor.skip(count)
    }

    private mutating func long() throws(ModelFormatError) -> Int {
        let count = Int(try cursor.byte())
        guard count <= 8 else { throw malformed("an integer of 64 bits") }
        var value = 0
        for index in 0..<count { value |= Int(try cursor.byte()) << (8 * index) }
        // The last byte carries the sign.
        let unused = 64 - 8 * count
        return count == 0 ? 0 : (value << unused) >> unused
    }

    private mutating func line() throws(ModelFormatError) -> String {
        var bytes: [UInt8] = []
        while true {
            let byte = try cursor.byte()
            if byte == 0x0A { break }
            guard bytes.count < 1024 else { throw malformed("a name") }
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func malformed(_ what: String) -> ModelFormatError {
        ModelFormatError(.malformed("pickle: expected \(what)"), at: cursor.offset)
    }
}
