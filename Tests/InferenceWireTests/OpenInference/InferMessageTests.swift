import InferenceWire
import Protobuf
import Testing

@Suite(.timeLimit(.minutes(3))) struct InferMessageTests {
    private func message(_ body: (inout ProtobufWriter) -> Void) -> [UInt8] {
        var writer = ProtobufWriter()
        body(&writer)
        return writer.bytes
    }

    private func input(
        name: String = "x", datatype: String = "FP32", shape: [Int64] = [1, 3],
        _ rest: @escaping (inout ProtobufWriter) -> Void = { _ in }
    ) -> (inout ProtobufWriter) -> Void {
        { writer in
            writer.string(1, name)
            writer.string(2, datatype)
            writer.packed(3, shape)
            rest(&writer)
        }
    }

    private func floats(_ values: [Float]) -> (inout ProtobufWriter) -> Void {
        { $0.message(5) { $0.packed(6, values) } }
    }

    private func reason(_ message: [UInt8]) -> String {
        var rows = RowBuffer<Float>()
        do {
            _ = try readMessage(message, limitRows: 3, into: &rows)
            return "read"
        } catch {
            #expect(rows.rowCount == 0 && rows.values.isEmpty)
            return "\(error)"
        }
    }

    @Test func readsWhatIsSound() {
        #expect(reason(message { $0.message(5, input(floats([1, 2, 3]))) }) == "read")
        // Raw contents may stand before the inputs that they belong to.
        let early = message { writer in
            writer.data(7, [UInt8](repeating: 0, count: 12))
            writer.message(5, input())
        }
        #expect(reason(early) == "read")
    }

    @Test func refusesWithTheFieldAtFault() {
        func one(_ body: @escaping (inout ProtobufWriter) -> Void) -> String { reason(message { $0.message(5, body) }) }
        #expect(reason([]).hasPrefix("inputs: there is none"))
        #expect(reason([0x0A, 0xFF]) == "the message: the message ends inside a value, at byte 2")
        #expect(one(input(name: "")) == "inputs[0].name: missing")
        #expect(one(input(datatype: "")) == "inputs[0].datatype: missing")
        let texts = one(input(datatype: "BYTES", floats([1, 2, 3])))
        #expect(texts == #"inputs[0].datatype: BYTES: feature "age" takes numbers"#)
        #expect(one(input(shape: [])).hasPrefix("inputs[0].shape: 0 dimensions"))
        #expect(one(input(shape: [1, -3])) == "inputs[0].shape: a dimension of -3")
        #expect(one(input()) == "inputs[0].contents: missing, and there are no raw_input_contents")
        #expect(one(input(shape: [1, 2], floats([1, 2]))).hasPrefix("inputs[0].shape: [1, 2]; the model takes"))
        #expect(one(input(shape: [4, 3], floats([1]))) == "the request has more than 3 rows")
        #expect(one(input(floats([1, 2]))) == "inputs[0].contents: 2 elements; its shape asks for 3")
        #expect(one(input(floats([1, .infinity, 3]))) == "row 1, column 2: the number is not finite")
        #expect(
            one(input(datatype: "FP16", floats([1, 2, 3])))
                == "inputs[0].datatype: FP16 comes in raw_input_contents only")
        let wrongField = one(input(datatype: "FP64", floats([1, 2, 3])))
        #expect(wrongField == "inputs[0].contents: fp32_contents; FP64 comes in fp64_contents alone")
        let tooSmall = one(input(datatype: "INT8") { $0.message(5) { $0.packed(2, [1, 2, 128] as [Int64]) } })
        #expect(tooSmall == "inputs[0].contents: a value out of the range of INT8")
        let shared = one(input { $0.message(4) { $0.string(1, "shared_memory_region") } })
        #expect(shared == "inputs[0].parameters.shared_memory_region: shared memory is not served")
        #expect(
            reason(message { $0.message(6) { $0.string(1, "y") } }).hasPrefix(
                "outputs[0].name: the model has no output"))
    }

    @Test func contentsAreInTheOneFieldOfTheirDatatype() {
        let both = message { writer in
            writer.message(
                5,
                input { input in
                    input.message(5) { contents in
                        contents.packed(6, [Float(1), 2, 3])
                        contents.packed(2, [Int64(4), 5, 6])
                    }
                })
        }
        #expect(reason(both) == "inputs[0].contents: int_contents; FP32 comes in fp32_contents alone")
        let other = message { writer in
            writer.message(5, input { $0.message(5) { $0.packed(3, [Int64(4), 5, 6]) } })
        }
        #expect(reason(other) == "inputs[0].contents: int64_contents; FP32 comes in fp32_contents alone")
    }

    @Test func rawContentsBelongToInputsOneByOne() {
        let twelve = [UInt8](repeating: 0, count: 12)
        let both = message { writer in
            writer.message(5, input(floats([1, 2, 3])))
            writer.data(7, twelve)
        }
        #expect(reason(both) == "inputs[0].contents: beside raw_input_contents")
        let many = message { writer in
            writer.message(5, input())
            writer.data(7, twelve)
            writer.data(7, twelve)
        }
        #expect(reason(many) == "raw_input_contents: there are 2, and 1 inputs")
        let short = message { writer in
            writer.message(5, input())
            writer.data(7, [1, 2, 3])
        }
        #expect(reason(short) == "inputs[0]: 3 bytes; its shape and datatype ask for 12")
    }
}
