import ModelTypes

/// Packs a network for the kernels.
struct NetworkCompiler {
    private(set) var layers: [NetworkLayerEntry] = []
    private(set) var buffers: [NetworkBufferEntry] = []
    /// The constants of all layers, each block at a multiple of 64 bytes.
    private(set) var words: [UInt32] = []

    init(_ network: Network) throws(ImageCompilerError) {
        var start = 0
        for (number, width) in network.widths.enumerated() {
            buffers.append(NetworkBufferEntry(width: UInt32(width), start: UInt32(start)))
            // The row is not among the buffers that scoring makes room for.
            if number > 0 { start += Network.rounded(width) }
        }
        for layer in network.layers { try append(layer) }
    }

    private mutating func append(_ layer: Network.Layer) throws(ImageCompilerError) {
        let (operation, detail) = Self.code(of: layer)
        words += repeatElement(0, count: Network.rounded(words.count) - words.count)
        guard let parameters = UInt32(exactly: words.count / Network.columnStep) else { throw .tooLarge("weights") }
        layers.append(
            NetworkLayerEntry(
                operation: operation.rawValue, activation: UInt32(layer.activation.rawValue), alpha: layer.alpha,
                input: Self.entry(layer.input), second: layer.second.map(Self.entry) ?? Self.none,
                output: Self.entry(layer.output), parameters: parameters, detail: detail, unused: 0, unused2: 0))
        pack(layer, as: operation)
    }

    private static let none = NetworkPlaceEntry(buffer: 0, first: 0, count: 0)

    private static func entry(_ place: Network.Place) -> NetworkPlaceEntry {
        NetworkPlaceEntry(buffer: UInt32(place.buffer), first: UInt32(place.first), count: UInt32(place.count))
    }

    private static func code(of layer: Network.Layer) -> (NetworkOperation, detail: UInt32) {
        switch layer.operation {
        case .dense: (layer.output.count < NetworkOperation.dotOutputLimit ? .dots : .panels, 0)
        case .embedding(_, let rowCount): (.embedding, UInt32(rowCount))
        case .select: (.select, 0)
        case .arithmetic(let arithmetic, _): (.arithmetic, UInt32(arithmetic.rawValue))
        case .combine(let arithmetic): (.combine, UInt32(arithmetic.rawValue))
        case .softmax: (.softmax, 0)
        case .normalize(let norm): (.normalize, UInt32(norm.rawValue))
        case .impute(_, let replaced): (.impute, replaced.bitPattern)
        }
    }

    private mutating func pack(_ layer: Network.Layer, as operation: NetworkOperation) {
        let (inputs, outputs) = (layer.input.count, layer.output.count)
        switch layer.operation {
        case .dense(let weights, let bias):
            append(bias)
            words += repeatElement(0, count: Network.rounded(outputs) - outputs)
            if operation == .dots {
                for output in 0..<outputs {
                    for input in 0..<inputs { words.append(weights[input * outputs + output].bitPattern) }
                    words += repeatElement(0, count: Network.rounded(inputs) - inputs)
                }
                return
            }
            for panel in stride(from: 0, to: outputs, by: Network.columnStep) {
                let end = min(panel + Network.columnStep, outputs)
                for input in 0..<inputs {
                    for output in panel..<end { words.append(weights[input * outputs + output].bitPattern) }
                    words += repeatElement(0, count: panel + Network.columnStep - end)
                }
            }
        case .embedding(let table, _): append(table)
        case .select(let columns): for column in columns { words.append(UInt32(column)) }
        case .arithmetic(_, let constants), .impute(let constants, _): append(constants)
        case .combine, .softmax, .normalize: break
        }
    }

    private mutating func append(_ values: [Float]) {
        for value in values { words.append(value.bitPattern) }
    }
}
