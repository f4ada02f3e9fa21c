import Foundation
import JSONReader
import PropertyTesting
import Testing

/// The reader and Foundation's JSONSerialization must agree on what is JSON and on what it says.
@Suite(.timeLimit(.minutes(3))) struct FoundationComparisonTests {
    @Test func agreesOnRandomDocuments() throws {
        var random = SeededGenerator.printed()
        for _ in 0..<3_000 {
            let text = randomValue(&random, depth: 0)
            let bytes = Array(text.utf8)
            let theirs = try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
            let ours = try readTree(bytes)
            if !ours.matches(theirs) { Issue.record("read differently: \(text)") }
            try readOver(bytes)
        }
    }

    /// Documents with bytes changed, cut or doubled: what we accept, Foundation accepts with the same value; and nothing crashes.
    @Test func acceptsNothingThatFoundationRefuses() throws {
        var random = SeededGenerator.printed()
        var acceptedCount = 0
        for _ in 0..<12_000 {
            var bytes = Array(randomValue(&random, depth: 1).utf8)
            for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: index)
                case 2: bytes.insert(Array("[]{},:\"\\u0e1.-+ntf".utf8).randomElement(using: &random)!, at: index)
                default: bytes.removeSubrange(index...)
                }
            }
            guard let ours = try? readTree(bytes) else { continue }
            acceptedCount += 1
            #expect(throws: Never.self) { try readOver(bytes) }
            let theirs = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
            guard let theirs else {
                Issue.record("only we accept \(bytes)")
                continue
            }
            if !ours.matches(theirs) { Issue.record("read differently: \(bytes)") }
        }
        #expect(acceptedCount > 100)
    }

    private func randomValue(_ random: inout SeededGenerator, depth: Int) -> String {
        let space = [" ", "", "\n", "\t "].randomElement(using: &random)!
        switch Int.random(in: 0..<(depth > 4 ? 5 : 7), using: &random) {
        case 0: return space + ["true", "false", "null"].randomElement(using: &random)!
        case 1: return "\(Int.random(in: -1_000_000...1_000_000, using: &random))" + space
        case 2:
            return
                "\(Double.random(in: -1...1, using: &random) * pow(10, Double(Int.random(in: -300...300, using: &random))))"
        case 3, 4: return randomString(&random)
        case 5:
            let count = Int.random(in: 0...5, using: &random)
            return "[" + space + (0..<count).map { _ in randomValue(&random, depth: depth + 1) }.joined(separator: ",")
                + "]"
        default:
            let count = Int.random(in: 0...5, using: &random)
            let fields = (0..<count).map {
                "\"k\($0)\(Int.random(in: 0...9, using: &random))\"" + space + ":"
                    + randomValue(&random, depth: depth + 1)
            }
            return space + "{" + fields.joined(separator: ",") + space + "}"
        }
    }

    private func randomString(_ random: inout SeededGenerator) -> String {
        let pieces = [
            "a", "é", "漢", "😀", "\\n", "\\\"", "\\\\", "\\/", "\\u00e9", "\\ud83d\\ude00", "\\u0041", "~", " ",
            "\u{7F}", "\\u0000",
        ]
        return "\""
            + (0..<Int.random(in: 0...8, using: &random)).map { _ in pieces.randomElement(using: &random)! }.joined()
            + "\""
    }
}

/// A whole document, only to be compared.
private indirect enum Tree {
    case object([String: Tree])
    case array([Tree])
    case string(String)
    case number(Double)
    case boolean(Bool)
    case null

    func matches(_ other: Any) -> Bool {
        switch self {
        case .object(let fields):
            guard let other = other as? [String: Any], other.count == fields.count else { return false }
            return fields.allSatisfy { key, value in other[key].map(value.matches) ?? false }
        case .array(let values):
            guard let other = other as? [Any], other.count == values.count else { return false }
            return zip(values, other).allSatisfy { $0.matches($1) }
        case .string(let text): return (other as? String).map { $0.utf8.elementsEqual(text.utf8) } ?? false
        case .number(let value):
            // Foundation keeps many numbers as NSDecimalNumber, whose conversion to Double is some ulp off; NumberTests
            // compares to the bit.
            guard let other = other as? NSNumber else { return false }
            return abs(other.doubleValue - value) <= 256 * value.magnitude.ulp
        case .boolean(let value): return (other as? Bool) == value
        case .null: return other is NSNull
        }
    }
}

private func readTree(_ bytes: [UInt8]) throws(JSONError) -> Tree {
    try JSONReader.read(bytes.span) { (json) throws(JSONError) -> Tree in
        let tree = try tree(&json)
        try json.finish()
        return tree
    }
}

private func tree(_ json: inout JSONReader) throws(JSONError) -> Tree {
    switch try json.peekKind() {
    case .object:
        var fields: [String: Tree] = [:]
        try json.beginObject()
        while let key = try json.nextKey() {
            let name = json.string(key)
            fields[name] = try tree(&json)
        }
        return .object(fields)
    case .array:
        var values: [Tree] = []
        try json.beginArray()
        while try json.nextElement() { values.append(try tree(&json)) }
        return .array(values)
    case .string: return .string(try json.readString())
    case .number: return .number(try json.readDouble())
    case .boolean: return .boolean(try json.readBool())
    case .null:
        _ = try json.readNull()
        return .null
    }
}
