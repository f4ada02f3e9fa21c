import CKernels
import ModelImage
import ModelTypes

// Networks: a block of rows goes through the layers one after the other, so that a layer's weights serve the whole block.

/// How an image's network is laid out in the scratch; worked out once.
struct NetworkPlan {
    /// Rows that go through the layers together: more gain nothing, and wide networks keep to some megabytes.
    let rowsPerBlock: Int
    /// Columns of all buffers behind the row.
    let columnCount: Int

    private static let mostRows = 48

    init(_ image: ModelImageView) {
        let last = unsafe image.buffers.last
        let end = last.map { Int($0.start) + (unsafe image.buffers.count > 1 ? Network.rounded(Int($0.width)) : 0) }
        columnCount = end ?? 0
        let widest = max(columnCount, image.isNetwork ? image.featureCount : 0, 1)
        rowsPerBlock = max(1, min(Self.mostRows, Network.maxColumnCount / widest))
    }

    /// What a block takes: its buffers, and its rows as floats.
    func floatCount(featureCount: Int) -> Int { (columnCount + featureCount) * rowsPerBlock }
}

/// A layer's columns of a block of rows.
@safe private struct Columns {
    let values: UnsafeMutablePointer<Float>
    let stride: Int
    let count: Int

    @inline(__always)
    func row(_ index: Int) -> UnsafeMutablePointer<Float> { unsafe values + index * stride }
}

extension Scorer {
    /// - Parameters:
    ///   - rows: [rowCount, featureCount].
    ///   - outputs: Receives the margins or predictions of each row.
    func scoreNetwork<Value: BinaryFloatingPoint>(
        _ rows: UnsafePointer<Value>, _ rowCount: Int, _ outputs: UnsafeMutablePointer<Double>,
        _ scratch: ScoringScratch, isTransformed: Bool
    ) {
        let width = isTransformed ? outputCount : marginCount
        var start = 0
        while start < rowCount {
            let count = min(network.rowsPerBlock, rowCount - start)
            let block = unsafe floats(rows + start * featureCount, count, scratch)
            runLayers(block, count, scratch)
            let output = columns(image.networkOutput, block, scratch)
            for row in 0..<count {
                for margin in 0..<marginCount { unsafe scratch.sums[margin] = Double(output.row(row)[margin]) }
                unsafe Scoring.transform(
                    UnsafeBufferPointer(start: scratch.sums, count: marginCount),
                    isTransformed ? image.transform : .identity, slope: image.transformSlope, image.accumulator,
                    into: outputs + (start + row) * width)
            }
            start += count
        }
    }

    /// The rows as they are where they are floats, else rounded into the scratch.
    @inline(__always)
    private func floats<Value: BinaryFloatingPoint>(
        _ rows: UnsafePointer<Value>, _ count: Int, _ scratch: ScoringScratch
    ) -> Columns {
        if Value.self == Float.self {
            // The row is read only: no layer writes into the first buffer.
            let values = unsafe UnsafeMutablePointer(
                mutating: UnsafeRawPointer(rows).assumingMemoryBound(to: Float.self))
            return unsafe Columns(values: values, stride: featureCount, count: featureCount)
        }
        let target = unsafe scratch.workspace + network.columnCount * network.rowsPerBlock
        for index in 0..<count * featureCount { unsafe target[index] = Float(rows[index]) }
        return unsafe Columns(values: target, stride: featureCount, count: featureCount)
    }

    private func columns(_ place: NetworkPlaceEntry, _ rows: Columns, _ scratch: ScoringScratch) -> Columns {
        if place.buffer == 0 {
            return unsafe Columns(values: rows.values + Int(place.first), stride: rows.stride, count: Int(place.count))
        }
        let buffer = unsafe image.buffers[Int(place.buffer)]
        return unsafe Columns(
            values: scratch.workspace + Int(buffer.start) * network.rowsPerBlock + Int(place.first),
            stride: Network.rounded(Int(buffer.width)), count: Int(place.count))
    }

    private func runLayers(_ rows: Columns, _ count: Int, _ scratch: ScoringScratch) {
        for index in unsafe image.layers.indices {
            let layer = unsafe image.layers[index]
            let input = columns(layer.input, rows, scratch)
            let output = columns(layer.output, rows, scratch)
            // Invariant: the validator knows every operation and activation.
            let operation = unsafe NetworkOperation(rawValue: layer.operation).unsafelyUnwrapped
            let activation = unsafe Network.Activation(rawValue: UInt8(layer.activation)).unsafelyUnwrapped
            switch operation {
            case .panels, .dots:
                runDense(layer, operation, activation, input, output, count)
                continue
            case .embedding: unsafe embed(input, output, count, rowCount: Int(layer.detail), parameters(layer))
            case .select:
                let columns = unsafe UnsafeRawPointer(parameters(layer)).assumingMemoryBound(to: UInt32.self)
                for row in 0..<count {
                    let (source, target) = unsafe (input.row(row), output.row(row))
                    for column in 0..<output.count { unsafe target[column] = source[Int(columns[column])] }
                }
            case .arithmetic:
                let constants = unsafe parameters(layer)
                calculate(layer.detail, input, output, count) { _, column in unsafe constants[column] }
            case .combine:
                let second = columns(layer.second, rows, scratch)
                let step = second.count == 1 ? 0 : 1
                calculate(layer.detail, input, output, count) { unsafe second.row($0)[$1 * step] }
            case .softmax:
                for row in 0..<count { unsafe softmax(input.row(row), output.count, output.row(row)) }
            case .normalize:
                for row in 0..<count {
                    unsafe normalize(input.row(row), output.count, isSquared: layer.detail == 1, output.row(row))
                }
            case .impute:
                let values = unsafe parameters(layer)
                unsafe impute(input, output, count, values, replaced: Float(bitPattern: layer.detail))
            }
            guard activation != .none else { continue }
            for row in 0..<count { activateRow(output, row, activation, layer.alpha) }
        }
    }

    /// A layer's constants. Invariant: the section of words holds them; it is not empty when there are some.
    @inline(__always)
    private func parameters(_ layer: NetworkLayerEntry) -> UnsafePointer<Float> {
        unsafe image.words.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Float.self)
            + Int(layer.parameters) * Network.columnStep
    }

    private func activateRow(_ output: Columns, _ row: Int, _ activation: Network.Activation, _ alpha: Float) {
        if denseLevel > 0 {
            unsafe lodestore_dense_activate(
                denseLevel, output.row(row), output.count, UInt32(activation.rawValue), alpha)
        } else {
            unsafe activate(output.row(row), output.count, activation, alpha)
        }
    }

    private func runDense(
        _ layer: NetworkLayerEntry, _ operation: NetworkOperation, _ activation: Network.Activation, _ input: Columns,
        _ output: Columns, _ count: Int
    ) {
        let parameters = unsafe parameters(layer)
        switch (operation, denseLevel > 0) {
        case (.panels, true):
            unsafe lodestore_dense_panels(
                denseLevel, input.values, input.stride, count, parameters, layer.input.count, layer.output.count,
                layer.activation, layer.alpha, output.values, output.stride)
        case (.panels, false):
            unsafe densePanels(
                input.values, input.stride, count, parameters, inputs: input.count, outputs: output.count, activation,
                layer.alpha, output.values, output.stride)
        case (_, true):
            unsafe lodestore_dense_dots(
                denseLevel, input.values, input.stride, count, parameters, layer.input.count, layer.output.count,
                layer.activation, layer.alpha, output.values, output.stride)
        case (_, false):
            unsafe denseDots(
                input.values, input.stride, count, parameters, inputs: input.count, outputs: output.count, activation,
                layer.alpha, output.values, output.stride)
        }
    }
}

// MARK: Operations without kernels of their own

/// A row of the table for each input column.
private func embed(
    _ input: Columns, _ output: Columns, _ count: Int, rowCount: Int, _ table: UnsafePointer<Float>
) {
    let width = output.count / input.count
    for row in 0..<count {
        for column in 0..<input.count {
            let number = unsafe input.row(row)[column].rounded(.towardZero)
            let target = unsafe output.row(row) + column * width
            // NaN is in no range.
            guard number >= -Float(rowCount), number < Float(rowCount) else {
                for index in 0..<width { unsafe target[index] = .nan }
                continue
            }
            let source = unsafe table + (number < 0 ? Int(number) + rowCount : Int(number)) * width
            for index in 0..<width { unsafe target[index] = source[index] }
        }
    }
}

/// One arithmetic for all columns; `operand` gives the second number, by row and column.
@inline(__always)
private func calculate(
    _ arithmetic: UInt32, _ input: Columns, _ output: Columns, _ count: Int, operand: (Int, Int) -> Float
) {
    func each(_ body: (Float, Float) -> Float) {
        for row in 0..<count {
            let (source, target) = unsafe (input.row(row), output.row(row))
            for column in 0..<output.count { unsafe target[column] = body(source[column], operand(row, column)) }
        }
    }
    // Invariant: the validator knows every arithmetic.
    switch unsafe Network.Arithmetic(rawValue: UInt8(arithmetic)).unsafelyUnwrapped {
    case .add: each { $0 + $1 }
    case .subtract: each { $0 - $1 }
    case .multiply: each { $0 * $1 }
    case .divide: each { $0 / $1 }
    case .subtractFrom: each { $1 - $0 }
    case .divideInto: each { $1 / $0 }
    }
}

private func softmax(_ values: UnsafePointer<Float>, _ count: Int, _ results: UnsafeMutablePointer<Float>) {
    var greatest = -Float.infinity
    for index in 0..<count { greatest = unsafe values[index] > greatest ? values[index] : greatest }
    var sum: Float = 0
    for index in 0..<count {
        let term = unsafe activated(values[index] - greatest, .exponential, 0)
        unsafe results[index] = term
        sum += term
    }
    for index in 0..<count { unsafe results[index] /= sum }
}

private func normalize(
    _ values: UnsafePointer<Float>, _ count: Int, isSquared: Bool, _ results: UnsafeMutablePointer<Float>
) {
    var sum: Float = 0
    for index in 0..<count { unsafe sum += isSquared ? values[index] * values[index] : values[index].magnitude }
    for index in 0..<count {
        let value = unsafe values[index]
        // The root of the quotient, as ONNX Runtime has it: squares that overflow then give NaN there and here.
        let share = isSquared ? (value * value / sum).squareRoot() : value / sum
        unsafe results[index] = sum == 0 ? value : isSquared && value < 0 ? -share : share
    }
}

private func impute(
    _ input: Columns, _ output: Columns, _ count: Int, _ values: UnsafePointer<Float>, replaced: Float
) {
    for row in 0..<count {
        let (source, target) = unsafe (input.row(row), output.row(row))
        for column in 0..<output.count {
            let value = unsafe source[column]
            let isReplaced = replaced.isNaN ? value.isNaN : value == replaced
            unsafe target[column] = isReplaced ? values[column] : value
        }
    }
}
