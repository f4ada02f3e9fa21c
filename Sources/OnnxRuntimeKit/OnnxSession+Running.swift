import COnnxRuntime
package import ModelTypes

// Rows into tensors, and the answer out of one.

extension OnnxSession {
    /// Rows that the library gets at once, so that what it computes in between stays small whatever a request asks for.
    private static let rowsPerRun = 1024

    package func run(
        _ rows: Span<Float>, rowCount: Int, into outputs: inout MutableSpan<Double>
    ) throws(GraphRunError) { try runAll(rows, rowCount, &outputs) }

    package func run(
        _ rows: Span<Double>, rowCount: Int, into outputs: inout MutableSpan<Double>
    ) throws(GraphRunError) { try runAll(rows, rowCount, &outputs) }

    private func runAll<Value: BinaryFloatingPoint>(
        _ rows: Span<Value>, _ rowCount: Int, _ outputs: inout MutableSpan<Double>
    ) throws(GraphRunError) {
        let (featureCount, outputCount) = (interface.featureCount, interface.outputCount)
        let (needed, overflows) = rowCount.multipliedReportingOverflow(by: featureCount)
        precondition(rowCount >= 0 && !overflows && rows.count >= needed, "too few features for the rows")
        precondition(outputs.count / outputCount >= rowCount, "too little room for the results")
        try unsafe rows.withUnsafeBufferPointer { (rows) throws(GraphRunError) in
            try unsafe outputs.withUnsafeMutableBufferPointer { (outputs) throws(GraphRunError) in
                let step = interface.takesOneRow ? 1 : Self.rowsPerRun
                var first = 0
                while first < rowCount {
                    let count = min(step, rowCount - first)
                    let block = unsafe UnsafeBufferPointer(
                        rebasing: rows[first * featureCount..<(first + count) * featureCount])
                    let answers = unsafe UnsafeMutableBufferPointer(
                        rebasing: outputs[first * outputCount..<(first + count) * outputCount])
                    try unsafe run(block, firstRow: first, count, into: answers)
                    first += count
                }
            }
        }
    }

    private func run<Value: BinaryFloatingPoint>(
        _ rows: UnsafeBufferPointer<Value>, firstRow: Int, _ count: Int,
        into outputs: UnsafeMutableBufferPointer<Double>
    ) throws(GraphRunError) {
        let table = unsafe runtime.table
        var tensors: [connx_object?] = unsafe []
        var columns: [UnsafeMutableRawBufferPointer] = unsafe []
        defer {
            unsafe tensors.forEach { unsafe connx_release_value(table, $0) }
            unsafe columns.forEach { unsafe $0.deallocate() }
        }
        for input in interface.inputs {
            let data: UnsafeMutableRawBufferPointer
            if Value.self == Float.self, input.element == .float32, input.columnCount == interface.featureCount {
                // The rows as they lie. The library reads its inputs and never writes them.
                unsafe data = UnsafeMutableRawBufferPointer(mutating: UnsafeRawBufferPointer(rows))
            } else {
                unsafe data = .allocate(
                    byteCount: count * input.columnCount * input.element.byteCount, alignment: 64)
                unsafe columns.append(data)
                try unsafe lay(rows, firstRow: firstRow, count, of: input, into: data)
            }
            let dimensions = [Int64(count)] + input.shape.map { Int64($0) }
            var tensor: connx_object?
            do throws(OnnxFault) {
                try unsafe runtime.check(
                    connx_create_tensor(
                        table, memory, data.baseAddress, data.count, dimensions, dimensions.count,
                        Int32(input.element.rawValue), &tensor))
            } catch {
                throw .failed(error.text)
            }
            unsafe tensors.append(tensor)
        }
        var result: connx_object?
        var name: UnsafePointer<CChar>? = unsafe outputName
        do throws(OnnxFault) {
            try unsafe runtime.check(
                connx_run(table, session, inputNames.baseAddress, tensors, tensors.count, &name, 1, &result))
        } catch {
            throw error.code == OnnxFault.invalidArgument ? .rows(error.text) : .failed(error.text)
        }
        defer { unsafe connx_release_value(table, result) }
        do throws(OnnxFault) {
            try unsafe take(result, count, into: outputs)
        } catch {
            throw .failed(error.text)
        }
    }

    // MARK: In

    /// The columns of one input, row by row, in its type.
    private func lay<Value: BinaryFloatingPoint>(
        _ rows: UnsafeBufferPointer<Value>, firstRow: Int, _ count: Int, of input: GraphInterface.Input,
        into data: UnsafeMutableRawBufferPointer
    ) throws(GraphRunError) {
        let width = input.columnCount
        func each<Number>(
            _: Number.Type, _ number: (Value) -> Number?
        ) throws(GraphRunError) {
            let numbers = unsafe data.bindMemory(to: Number.self)
            for row in 0..<count {
                for column in 0..<width {
                    let value = unsafe rows[row * interface.featureCount + input.firstColumn + column]
                    guard let number = number(value) else {
                        let name = width == 1 ? input.name : "\(input.name).\(column)"
                        throw .rows(
                            "\(name.prefix(64)) of row \(firstRow + row + 1) is \(value), which is no \(input.element)")
                    }
                    unsafe numbers.initializeElement(at: row * width + column, to: number)
                }
            }
        }
        switch input.element {
        case .float32: try each(Float.self) { Float($0) }
        case .float64: try each(Double.self) { Double($0) }
        // Cut as a Cast cuts.
        case .int32: try each(Int32.self) { Int32(exactly: $0.rounded(.towardZero)) }
        case .int64: try each(Int64.self) { Int64(exactly: $0.rounded(.towardZero)) }
        }
    }

    // MARK: Out

    /// The answer, of as many rows as were asked and as wide as the graph declares.
    private func take(
        _ result: connx_object?, _ count: Int, into outputs: UnsafeMutableBufferPointer<Double>
    ) throws(OnnxFault) {
        let table = unsafe runtime.table
        var shape: connx_object?
        try unsafe runtime.check(connx_shape_of_tensor(table, result, &shape))
        defer { unsafe connx_release_shape(table, shape) }
        let (element, dimensions) = try unsafe Self.elementAndDimensions(of: shape, runtime)
        let isExpectedType = element == (interface.outputType == .float64 ? 11 : 1)
        guard isExpectedType, dimensions.first == Int64(count),
            dimensions.dropFirst().reduce(1, { $0.multipliedReportingOverflow(by: $1).partialValue })
                == Int64(interface.outputCount)
        else {
            throw OnnxFault(
                code: 0,
                message:
                    "\(interface.outputName.prefix(64)) has shape \(dimensions) for \(count) rows of \(interface.outputCount)"
            )
        }
        var data: UnsafeMutableRawPointer?
        try unsafe runtime.check(connx_tensor_data(table, result, &data))
        guard let data = unsafe data else { throw OnnxFault(code: 0, message: "an answer without numbers") }
        // Invariant: a tensor of this type and shape, checked above, lies as closely as one can.
        if interface.outputType == .float64 {
            let numbers = unsafe data.assumingMemoryBound(to: Double.self)
            for index in 0..<count * interface.outputCount { unsafe outputs[index] = numbers[index] }
        } else {
            let numbers = unsafe data.assumingMemoryBound(to: Float.self)
            for index in 0..<count * interface.outputCount { unsafe outputs[index] = Double(numbers[index]) }
        }
    }
}

extension GraphInterface.Element {
    fileprivate var byteCount: Int {
        switch self {
        case .float32, .int32: 4
        case .float64, .int64: 8
        }
    }
}
