import PropertyTesting
import Protobuf
import Testing

@Suite(.timeLimit(.minutes(Fuzz.limitMinutes))) struct ProtobufTests {
    /// The examples of the encoding page: `a = 150` is 08 96 01; `b = "testing"` is 12 07 74…; packed `3, 270, 86942`.
    @Test func theSpecificationsOwnExamplesRead() throws {
        let bytes: [UInt8] = [
            0x08, 0x96, 0x01, 0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67, 0x32, 0x06, 0x03, 0x8e, 0x02, 0x9e,
            0xa7, 0x05, 0x1a, 0x03, 0x08, 0x96, 0x01,
        ]
        try unsafe bytes.withUnsafeBytes { raw in
            var reader = unsafe ProtobufReader(raw)
            #expect(try reader.next() && reader.field == 1)
            #expect(try reader.unsigned() == 150)
            #expect(try reader.next() && reader.field == 2)
            #expect(try reader.string() == "testing")
            #expect(try reader.next() && reader.field == 6)
            var values: [Int64] = []
            try reader.eachSigned { values.append($0) }
            #expect(values == [3, 270, 86942])
            #expect(try reader.next() && reader.field == 3)
            var inner = try reader.message()
            #expect(try inner.next() && inner.field == 1)
            #expect(try inner.unsigned() == 150)
            #expect(try inner.next() == false)
            #expect(try reader.next() == false)
        }
    }

    @Test func whatIsWrittenReadsBack() throws {
        var random = SeededGenerator.printed()
        for _ in 0..<500 {
            let number = Int64.random(in: .min ... .max, using: &random) >> Int64.random(in: 0..<64, using: &random)
            let double = Double(bitPattern: UInt64.random(in: 1..<0x7FF0_0000_0000_0000, using: &random))
            let floats = (0..<Int.random(in: 1...5, using: &random)).map { _ in Float.random(in: -1...1, using: &random)
            }
            var writer = ProtobufWriter()
            writer.signed(1, number)
            writer.double(2, double)
            writer.packed(3, floats)
            writer.message(536_870_911) { $0.string(1, "käse") }
            try unsafe writer.bytes.withUnsafeBytes { raw in
                var reader = unsafe ProtobufReader(raw)
                var (readNumber, readDouble, readFloats, readText) = (Int64(0), 0.0, [Float](), "")
                while try reader.next() {
                    switch reader.field {
                    case 1: readNumber = try reader.signed()
                    case 2: readDouble = try reader.double()
                    case 3: try reader.eachFloat { readFloats.append($0) }
                    default:
                        var inner = try reader.message()
                        if try inner.next() { readText = try inner.string() }
                    }
                }
                #expect(readNumber == number && readDouble == double && readFloats == floats && readText == "käse")
            }
        }
    }

    @Test(
        arguments: [
            ([0x08], ProtobufError.truncated(offset: 1)),
            ([0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02], .varint(offset: 1)),
            ([0x12, 0x05, 0x61], .truncated(offset: 3)),
            ([0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01, 0x61], .truncated(offset: 12)),
            ([0x00, 0x01], .tag(offset: 0)), ([0x0B], .tag(offset: 0)), ([0x0D, 1, 2], .truncated(offset: 3)),
        ] as [([UInt8], ProtobufError)])
    func brokenMessagesAreRefused(bytes: [UInt8], error: ProtobufError) {
        #expect(throws: error) {
            try unsafe bytes.withUnsafeBytes { raw in
                var reader = unsafe ProtobufReader(raw)
                while try reader.next() { try reader.skip() }
            }
        }
    }

    @Test func aFieldOfAnotherWireTypeIsRefused() {
        #expect(throws: ProtobufError.wireType(field: 1, offset: 1)) {
            try unsafe [0x08, 0x01].withUnsafeBytes { raw in
                var reader = unsafe ProtobufReader(raw)
                _ = try reader.next()
                _ = try reader.double()
            }
        }
    }

    @Test func changedMessagesAreRefusedOrRead() {
        var writer = ProtobufWriter()
        writer.signed(1, -3)
        writer.packed(2, [1.5, 2.5] as [Float])
        writer.message(3) { $0.packed(1, [1, -1] as [Int64]) }
        var fieldCount = 0
        Fuzz.run(corpus: [writer.bytes]) { bytes in
            unsafe bytes.withUnsafeBytes { raw in
                var reader = unsafe ProtobufReader(raw)
                do throws(ProtobufError) {
                    while try reader.next() {
                        fieldCount += 1
                        switch reader.field {
                        case 1: _ = try reader.signed()
                        case 2: try reader.eachFloat { _ in }
                        case 3:
                            var inner = try reader.message()
                            while try inner.next() { try inner.eachSigned { _ in } }
                        default: try reader.skip()
                        }
                    }
                } catch {}
            }
        }
        #expect(fieldCount > 0)
    }
}
