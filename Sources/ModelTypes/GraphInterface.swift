import Names

/// What goes into a graph that a library runs, and what of its outputs is the prediction.
///
/// Rows are dimension 0 of every input and of the output. The inputs' columns, one behind the other in the order of the inputs, are
/// the features, as they are where a graph is translated.
package struct GraphInterface: Hashable, Sendable {
    /// Types of tensors that are taken. Raw values are those of ONNX's `TensorProto.DataType`.
    package enum Element: Int, Sendable {
        case float32 = 1
        case int32 = 6
        case int64 = 7
        case float64 = 11

        /// Whether float32 holds only some of its values.
        var needsDouble: Bool { self != .float32 }
    }

    /// An input or an output as the file declares it, or as the library tells.
    package struct Port: Hashable, Sendable {
        package enum Kind: Hashable, Sendable {
            /// A type by its number in `TensorProto.DataType`, and dimensions, of which nil is not given.
            case tensor(element: Int, dimensions: [Int?])
            /// Of no shape that is known.
            case shapeless(element: Int)
            /// What it is: `a sequence`.
            case other(String)
        }

        package let name: String
        package let kind: Kind

        package init(name: String, kind: Kind) {
            self.name = name
            self.kind = kind
        }
    }

    package struct Input: Hashable, Sendable {
        package let name: String
        package let element: Element
        /// Dimensions behind the rows.
        package let shape: [Int]
        package let firstColumn: Int

        package var columnCount: Int { shape.reduce(1, *) }
    }

    package static let featureLimit = 1 << 20
    package static let outputLimit = 4096

    package let inputs: [Input]
    package let outputName: String
    /// float32 or float64.
    package let outputType: NumberType
    /// Predictions per row.
    package let outputCount: Int
    package let featureCount: Int
    /// Whether the graph was fixed to batches of one row.
    package let takesOneRow: Bool

    /// - Parameter inputs: without those that have a value of their own (initializers).
    package init(inputs ports: [Port], outputs: [Port]) throws(GraphInterfaceError) {
        guard !ports.isEmpty else { throw .noInputs }
        var (inputs, first, takesOneRow): ([Input], Int, Bool) = ([], 0, false)
        var names: Set<Name> = []
        for port in ports {
            let (code, rows, shape) = try Self.rows(of: port, limit: Self.featureLimit - first) {
                .input(port.name, $0)
            }
            guard let element = Element(rawValue: code) else { throw .input(port.name, .element(code)) }
            guard names.insert(Name(port.name)).inserted else { throw .input(port.name, .twice) }
            if rows == 1 { takesOneRow = true }
            inputs.append(Input(name: port.name, element: element, shape: shape, firstColumn: first))
            first += shape.reduce(1, *)
        }
        let output = try Self.prediction(of: outputs)
        let (code, rows, shape) = try Self.rows(of: output, limit: Self.outputLimit) { .output(output.name, $0) }
        guard rows == nil || takesOneRow else { throw .output(output.name, .fixedRows(1)) }
        self.inputs = inputs
        self.takesOneRow = takesOneRow
        featureCount = first
        outputName = output.name
        outputType = code == Element.float64.rawValue ? .float64 : .float32
        outputCount = shape.reduce(1, *)
    }

    /// The type that holds every feature.
    package var inputType: NumberType { inputs.contains { $0.element.needsDouble } ? .float64 : .float32 }

    /// One for each feature, or none: the columns of one matrix have no names of their own.
    package var featureNames: [String] {
        if inputs.count == 1, featureCount > 1 { return [] }
        let names = inputs.flatMap { input in
            input.columnCount == 1 ? [input.name] : (0..<input.columnCount).map { "\(input.name).\($0)" }
        }
        return Set(names.map { Name($0) }).count == names.count ? names : []
    }

    /// The one output of numbers; of several, the one that is called probabilities.
    private static func prediction(of outputs: [Port]) throws(GraphInterfaceError) -> Port {
        let numbers = outputs.filter { port in
            switch port.kind {
            case .tensor(let element, _), .shapeless(let element):
                element == Element.float32.rawValue || element == Element.float64.rawValue
            case .other: false
            }
        }
        if numbers.count == 1 { return numbers[0] }
        let named = numbers.filter { $0.name.containsBytes(of: "probabilit") }
        if named.count == 1 { return named[0] }
        guard numbers.isEmpty else { throw .severalOutputs(numbers.prefix(8).map(\.name)) }
        for port in outputs {
            if case .other(let what) = port.kind { throw .output(port.name, .noTensor(what)) }
        }
        throw .noOutput
    }

    /// The type, the number of rows where it is fixed, and the dimensions behind the rows.
    private static func rows(
        of port: Port, limit: Int, _ refusal: (GraphInterfaceError.Fault) -> GraphInterfaceError
    ) throws(GraphInterfaceError) -> (element: Int, rows: Int?, shape: [Int]) {
        switch port.kind {
        case .other(let what): throw refusal(.noTensor(what))
        case .shapeless: throw refusal(.shape)
        case .tensor(let element, let dimensions):
            guard let rows = dimensions.first else { throw refusal(.noRows) }
            if let rows, rows != 1 { throw refusal(.fixedRows(rows)) }
            var (shape, count): ([Int], Int) = ([], 1)
            for dimension in dimensions.dropFirst() {
                guard let dimension, dimension > 0 else { throw refusal(.shape) }
                guard dimension <= limit / count else { throw refusal(.columns) }
                count *= dimension
                shape.append(dimension)
            }
            guard count <= limit else { throw refusal(.columns) }
            return (element, rows, shape)
        }
    }
}

/// Why a graph's inputs or outputs are none that rows can be laid into or predictions taken from. Export it differently.
package enum GraphInterfaceError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Fault: Hashable, Sendable {
        /// What it is instead.
        case noTensor(String)
        /// Its number in `TensorProto.DataType`.
        case element(Int)
        /// A single number for all rows.
        case noRows
        /// So many rows at a time, not one and not as many as there are.
        case fixedRows(Int)
        /// A dimension behind the rows, or all of them, is not given.
        case shape
        case columns
        case twice
    }

    case noInputs
    case input(String, Fault)
    case output(String, Fault)
    case noOutput
    /// And none, or more than one, is called probabilities.
    case severalOutputs([String])

    package var description: String {
        switch self {
        case .noInputs: "a graph without inputs"
        case .input(let name, let fault): "input \(name.prefix(64)) \(fault.text)"
        case .output(let name, let fault): "output \(name.prefix(64)) \(fault.text)"
        case .noOutput: "a graph without an output of float32 or float64"
        case .severalOutputs(let names):
            "several outputs: \(names.map { String($0.prefix(64)) }.joined(separator: ", "))"
        }
    }
}

extension GraphInterfaceError.Fault {
    fileprivate var text: String {
        switch self {
        case .noTensor(let what): "is \(what), not a tensor"
        case .element(let code): "has type \(code), not float32, float64, int32 or int64"
        case .noRows: "has no dimension for rows"
        case .fixedRows(let count): "is fixed to \(count) rows"
        case .shape: "has a dimension that is not given"
        case .columns: "has too many columns"
        case .twice: "is given twice"
        }
    }
}
