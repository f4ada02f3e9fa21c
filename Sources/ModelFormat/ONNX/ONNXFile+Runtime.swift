import ModelTypes
import Names
import Protobuf

// Graphs that are not translated, for a library that runs them as they are. What is passed over here is that library's to read or
// to refuse.

extension ONNXFile {
    /// Translates the graph; one that cannot be is described by its inputs and outputs, for ONNX Runtime, where that is allowed.
    static func parse(
        _ cursor: ByteCursor, limits: ModelLimits, allowsRuntime: Bool
    ) throws(ModelFormatError) -> ModelDescription {
        do throws(ModelFormatError) {
            return try parse(cursor, limits: limits)
        } catch {
            guard error.isUntranslated else { throw error }
            if !allowsRuntime {
                // What no one could run needs no hint.
                let canRun = (try? declared(cursor, limits)) != nil
                throw ModelFormatError(error.reason, at: error.offset, runsElsewhere: canRun)
            }
        }
        let (interface, producer) = try declared(cursor, limits)
        let bytes = unsafe cursor.withRemainingBytes { unsafe Array($0) }
        return ModelDescription(
            predictor: .graph(RuntimeGraph(bytes: bytes, interface: interface)), featureNames: interface.featureNames,
            transform: .identity, objective: "graph", bestIteration: nil,
            source: ModelSource(format: .onnx, writerVersion: String(producer.prefix(256))))
    }

    /// - Throws: what in the graph's inputs or outputs does not fit rows.
    private static func declared(
        _ cursor: ByteCursor, _ limits: ModelLimits
    ) throws(ModelFormatError) -> (GraphInterface, producer: String) {
        let end = cursor.offset + cursor.remainingCount
        guard cursor.remainingCount <= RuntimeGraph.byteLimit else {
            throw ModelFormatError(.tooLarge("bytes of a graph"), at: end)
        }
        var declaration = Declaration()
        try unsafe cursor.withRemainingBytes { (bytes) throws(ModelFormatError) in
            try declaration.read(unsafe ProtobufReader(bytes, origin: cursor.offset), limits: limits)
        }
        do throws(GraphInterfaceError) {
            let interface = try GraphInterface(inputs: declaration.openInputs, outputs: declaration.outputs)
            return (interface, declaration.producer)
        } catch {
            throw ModelFormatError(.unsupported("\(error)"), at: end)
        }
    }

    /// What a file says of its graph without its operators.
    private struct Declaration {
        private var name = ""
        private var version = ""
        private var inputs: [GraphInterface.Port] = []
        private(set) var outputs: [GraphInterface.Port] = []
        private var initializers: Set<Name> = []

        var producer: String { [name, version].filter { !$0.isEmpty }.joined(separator: " ") }
        /// Files of IR version 3 list their initializers among the inputs as well.
        var openInputs: [GraphInterface.Port] { inputs.filter { !initializers.contains(Name($0.name)) } }

        mutating func read(_ message: ProtobufReader, limits: ModelLimits) throws(ModelFormatError) {
            try eachField(of: message) { (field) throws(ModelFormatError) in
                switch field.field {
                case ONNXModelField.producerName: name = try field.name(limits: limits)
                case ONNXModelField.producerVersion: version = try field.name(limits: limits)
                case ONNXModelField.graph: try readGraph(try reading(try field.message()), limits)
                default: try reading(try field.skip())
                }
            }
        }

        private mutating func readGraph(_ message: ProtobufReader, _ limits: ModelLimits) throws(ModelFormatError) {
            try eachField(of: message) { (field) throws(ModelFormatError) in
                switch field.field {
                case ONNXGraphField.input:
                    guard inputs.count < limits.maxFeatureCount else {
                        throw ModelFormatError(.tooLarge("inputs"), at: field.offset)
                    }
                    inputs.append(try ONNXPort.read(try reading(try field.message()), limits: limits))
                case ONNXGraphField.output:
                    guard outputs.count < ONNXLimits.nameCount else {
                        throw ModelFormatError(.tooLarge("outputs"), at: field.offset)
                    }
                    outputs.append(try ONNXPort.read(try reading(try field.message()), limits: limits))
                case ONNXGraphField.initializer:
                    guard initializers.count < ONNXLimits.tensorCount else {
                        throw ModelFormatError(.tooLarge("tensors"), at: field.offset)
                    }
                    let tensor = try reading(try field.message())
                    try eachField(of: tensor) { (field) throws(ModelFormatError) in
                        guard field.field == ONNXTensorField.name else { return try reading(try field.skip()) }
                        initializers.insert(Name(try field.name(limits: limits)))
                    }
                default: try reading(try field.skip())
                }
            }
        }
    }
}

extension ModelFormatError {
    /// Whether the file could be read and only its translation failed.
    fileprivate var isUntranslated: Bool {
        switch reason {
        case .unsupported, .inconsistent, .tooLarge, .network, .forest: true
        default: false
        }
    }
}
