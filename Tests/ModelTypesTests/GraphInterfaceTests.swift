import ModelTypes
import Testing

/// What of a graph's inputs and outputs becomes features and predictions.
@Suite(.timeLimit(.minutes(3))) struct GraphInterfaceTests {
    private typealias Port = GraphInterface.Port

    private func tensor(_ name: String, _ element: Int, _ dimensions: [Int?]) -> Port {
        Port(name: name, kind: .tensor(element: element, dimensions: dimensions))
    }

    private var output: Port { tensor("y", 1, [nil, 1]) }

    @Test func columnsLieInTheOrderOfTheInputs() throws {
        let interface = try GraphInterface(
            inputs: [tensor("ids", 7, [nil, 3]), tensor("site", 6, [nil]), tensor("x", 1, [nil, 2, 2])],
            outputs: [tensor("label", 7, [nil]), tensor("y", 1, [nil, 4])])
        #expect(interface.inputs.map(\.firstColumn) == [0, 3, 4] && interface.featureCount == 8)
        #expect(interface.featureNames == ["ids.0", "ids.1", "ids.2", "site", "x.0", "x.1", "x.2", "x.3"])
        #expect(interface.inputType == .float64 && interface.outputType == .float32)
        #expect(interface.outputName == "y" && interface.outputCount == 4 && !interface.takesOneRow)
    }

    @Test func oneMatrixOfFloatsHasNoNames() throws {
        let interface = try GraphInterface(inputs: [tensor("x", 1, [nil, 2])], outputs: [tensor("y", 11, [nil])])
        #expect(interface.featureNames == [] && interface.inputType == .float32)
        #expect(interface.outputType == .float64 && interface.outputCount == 1)
    }

    @Test func aBatchOfOneIsTaken() throws {
        let interface = try GraphInterface(inputs: [tensor("x", 1, [1, 2])], outputs: [tensor("y", 1, [1, 2])])
        #expect(interface.takesOneRow)
    }

    @Test func probabilitiesAreChosenAmongOutputs() throws {
        let outputs = [tensor("logits", 1, [nil, 2]), tensor("probabilities", 1, [nil, 3])]
        let interface = try GraphInterface(inputs: [tensor("x", 1, [nil, 2])], outputs: outputs)
        #expect(interface.outputName == "probabilities" && interface.outputCount == 3)
    }

    @Test func whatFitsNoRowsIsRefusedByName() {
        let x = tensor("x", 1, [nil, 2])
        let cases: [([Port], [Port], GraphInterfaceError)] = [
            ([], [output], .noInputs),
            ([tensor("x", 10, [nil, 2])], [output], .input("x", .element(10))),
            ([tensor("x", 1, [])], [output], .input("x", .noRows)),
            ([tensor("x", 1, [8, 2])], [output], .input("x", .fixedRows(8))),
            ([tensor("x", 1, [0, 2])], [output], .input("x", .fixedRows(0))),
            ([tensor("x", 1, [nil, nil])], [output], .input("x", .shape)),
            ([tensor("x", 1, [nil, 0])], [output], .input("x", .shape)),
            ([Port(name: "x", kind: .shapeless(element: 1))], [output], .input("x", .shape)),
            ([Port(name: "x", kind: .other("a sequence"))], [output], .input("x", .noTensor("a sequence"))),
            ([tensor("x", 1, [nil, 1 << 20, 2])], [output], .input("x", .columns)),
            ([tensor("x", 1, [nil, Int.max, Int.max])], [output], .input("x", .columns)),
            ([x, tensor("z", 1, [nil, 1 << 20])], [output], .input("z", .columns)),
            ([x, x], [output], .input("x", .twice)),
            ([x], [], .noOutput),
            ([x], [tensor("y", 7, [nil])], .noOutput),
            ([x], [Port(name: "y", kind: .other("a map"))], .output("y", .noTensor("a map"))),
            ([x], [tensor("a", 1, [nil]), tensor("b", 1, [nil])], .severalOutputs(["a", "b"])),
            ([x], [tensor("y", 1, [1, 2])], .output("y", .fixedRows(1))),
            ([x], [tensor("y", 1, [nil, nil])], .output("y", .shape)),
            ([x], [tensor("y", 1, [])], .output("y", .noRows)),
            ([x], [tensor("y", 1, [nil, 4097])], .output("y", .columns)),
        ]
        for (inputs, outputs, error) in cases {
            #expect(throws: error) { try GraphInterface(inputs: inputs, outputs: outputs) }
            #expect(!error.description.isEmpty)
        }
    }
}
