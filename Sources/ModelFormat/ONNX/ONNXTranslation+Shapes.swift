import ModelTypes

// Operators that arrange numbers without changing them. Rows stay rows: whatever would mix them is refused.

extension ONNXTranslation {
    mutating func shape(_ node: ONNXNode) throws(ModelFormatError) {
        guard !node.has("start"), !node.has("end") else { throw node.unsupported("a part of the shape") }
        switch try value(node, 0) {
        case .rows(let rows): try set(output(node), .shape([nil] + rows.shape))
        case .constant(let tensor): try set(output(node), .shape(tensor.shape))
        default: throw node.unsupported("the input")
        }
    }

    /// Flatten, Reshape, Squeeze, Unsqueeze.
    mutating func reshape(_ node: ONNXNode) throws(ModelFormatError) {
        let name = try output(node)
        guard node.integer("allowzero", 0) == 0 else { throw node.unsupported("allowzero") }
        switch try value(node, 0) {
        case .shape(let shape): set(name, .shape(shape))
        case .constant(var tensor):
            if node.operation == "Reshape" {
                let target = try integers(node, 1)
                var product = 1
                for dimension in target where product <= tensor.count {
                    product *= dimension > 0 && dimension <= tensor.count ? dimension : tensor.count + 1
                }
                guard target.count <= ONNXLimits.dimensionCount, product == tensor.count else {
                    throw node.unsupported("the shape of a constant")
                }
                tensor.shape = target
            } else if node.operation == "Squeeze" {
                tensor.shape = tensor.shape.filter { $0 != 1 }
            } else if node.operation == "Unsqueeze" {
                guard tensor.shape.count <= 1 else { throw node.unsupported("a constant of several dimensions") }
                tensor.shape = tensor.shape + [1]
            }
            set(name, .constant(tensor))
        case .rows(var rows):
            rows.shape = try newShape(node, rows.shape)
            set(name, .rows(rows))
        case .forest(let forest):
            _ = try newShape(node, [forest.transform.outputCount(marginCount: forest.forest.marginCount)])
            set(name, .forest(forest))
        case .label: set(name, .label)
        }
    }

    /// What follows the rows afterwards.
    private func newShape(_ node: ONNXNode, _ shape: [Int]) throws(ModelFormatError) -> [Int] {
        let count = shape.reduce(1, *)
        switch node.operation {
        case "Flatten":
            guard [1, -shape.count].contains(node.integer("axis", 1)) else { throw node.unsupported("the axis") }
            return [count]
        case "Squeeze":
            let axes = try axes(node, rank: shape.count + 1)
            guard axes.allSatisfy({ $0 > 0 && shape[$0 - 1] == 1 }), !axes.isEmpty else {
                throw node.unsupported("the axes")
            }
            return shape.enumerated().filter { !axes.contains($0.offset + 1) }.map(\.element)
        case "Unsqueeze":
            var result = shape
            for axis in try axes(node, rank: shape.count + 1, isInserting: true).sorted() {
                guard axis > 0, axis <= result.count + 1, result.count < ONNXLimits.dimensionCount else {
                    throw node.unsupported("the axes")
                }
                result.insert(1, at: axis - 1)
            }
            return result
        default:
            let target: [Int?]
            switch try value(node, 1) {
            case .shape(let shape): target = shape
            case .constant: target = try integers(node, 1).map { $0 }
            default: throw node.unsupported("a shape that depends on the row")
            }
            return try reshaped(node, shape, count, to: target)
        }
    }

    private func reshaped(
        _ node: ONNXNode, _ shape: [Int], _ count: Int, to target: [Int?]
    ) throws(ModelFormatError) -> [Int] {
        guard target.count <= ONNXLimits.dimensionCount, !target.isEmpty else { throw node.unsupported("the shape") }
        var result: [Int] = []
        var free: Int?
        for (position, dimension) in target.enumerated().dropFirst() {
            switch dimension {
            case .some(0):
                guard position - 1 < shape.count else { throw node.unsupported("the shape") }
                result.append(shape[position - 1])
            case .some(-1):
                guard free == nil else { throw node.inconsistent("the shape") }
                free = result.count
                result.append(1)
            case let dimension? where dimension > 0 && dimension <= count: result.append(dimension)
            default: throw node.unsupported("the shape")
            }
        }
        let known = result.reduce(1) { min($0 * $1, Int(Int32.max)) }
        if let free {
            // With the rows' number given as well as found: only one of the two can be free.
            guard target[0] != -1, count.isMultiple(of: known) else { throw node.unsupported("the shape") }
            result[free] = count / known
        } else {
            guard known == count else { throw node.unsupported("a shape that mixes rows") }
        }
        return result
    }

    private func axes(_ node: ONNXNode, rank: Int, isInserting: Bool = false) throws(ModelFormatError) -> [Int] {
        let axes = has(node, 1) ? try integers(node, 1) : node.integers("axes")
        guard axes.count <= ONNXLimits.dimensionCount else { throw node.inconsistent("the axes") }
        let rank = isInserting ? rank + axes.count : rank
        let positive = axes.map { $0 < 0 ? $0 &+ rank : $0 }
        guard positive.allSatisfy({ (0..<rank).contains($0) }), Set(positive).count == positive.count else {
            throw node.inconsistent("the axes")
        }
        return positive
    }

    // MARK: Columns

    mutating func concatenate(_ node: ONNXNode, axis given: Int? = nil) throws(ModelFormatError) {
        let name = try output(node)
        guard !node.inputs.isEmpty else { throw node.inconsistent("the number of inputs") }
        if let shape = try joinedShape(node) { return set(name, .shape(shape)) }
        var parts: [ONNXRows] = []
        for index in node.inputs.indices {
            var part = try rows(node, index)
            if part.shape.isEmpty, given != nil { part.shape = [1] }
            parts.append(part)
        }
        // How many columns a FeatureVectorizer takes of each input.
        let widths = node.integers("inputdimensions")
        guard widths.isEmpty || widths == parts.map({ $0.shape.reduce(1, *) }) else {
            throw node.unsupported("some of the columns of an input")
        }
        let rank = parts[0].shape.count + 1
        let axis = given ?? node.integer("axis", 1)
        let position = (axis < 0 ? axis + rank : axis) - 1
        guard position >= 0, position < rank - 1, parts[0].shape[..<position].allSatisfy({ $0 == 1 }),
            parts.allSatisfy({
                $0.shape.count == rank - 1 && $0.shape[..<position] == parts[0].shape[..<position]
                    && $0.shape[(position + 1)...] == parts[0].shape[(position + 1)...]
            })
        else { throw node.unsupported("the axis") }
        var shape = parts[0].shape
        shape[position] = parts.reduce(0) { $0 + $1.shape[position] }
        try set(name, .rows(ONNXRows(shape: shape, source: joined(parts, node))))
    }

    /// Shapes and constants that make a shape; nil when the inputs are rows.
    private func joinedShape(_ node: ONNXNode) throws(ModelFormatError) -> [Int?]? {
        var shape: [Int?] = []
        for index in node.inputs.indices {
            switch try value(node, index) {
            case .shape(let part): shape += part
            case .constant(let tensor) where tensor.integers != nil: shape += (tensor.integers ?? []).map { $0 }
            default: return nil
            }
            guard shape.count <= ONNXLimits.dimensionCount else { throw node.unsupported("the inputs") }
        }
        return shape
    }

    private mutating func joined(_ parts: [ONNXRows], _ node: ONNXNode) throws(ModelFormatError) -> ONNXRows.Source {
        let width = parts.reduce(0) { $0 + $1.count }
        try spend(width, node)
        var features: [Int32] = []
        var isPure = true
        for part in parts {
            if case .features(let more) = part.source { features += more } else { isPure = false }
        }
        if isPure { return .features(features) }
        let places = try parts.map { (part) throws(ModelFormatError) in try place(of: part) }
        let target = try buffer(width, at: node.offset)
        var first = 0
        for place in places {
            append(
                Network.Layer(
                    .select((0..<Int32(place.count)).map { $0 }), input: place,
                    output: Network.Place(buffer: target, first: first, count: place.count)))
            first += place.count
        }
        return .place(Network.Place(buffer: target, count: width))
    }

    /// Columns by number; or, of a constant table by numbers of the row, embeddings.
    mutating func gather(_ node: ONNXNode, axis given: Int? = nil) throws(ModelFormatError) {
        let name = try output(node)
        let axis = given ?? node.integer("axis", 0)
        switch try value(node, 0) {
        case .label: set(name, .label)
        case .shape(let shape):
            let numbers = try integers(node, 1).map { $0 < 0 ? $0 &+ shape.count : $0 }
            guard axis == 0, numbers.count <= ONNXLimits.dimensionCount, numbers.allSatisfy(shape.indices.contains)
            else {
                throw node.unsupported("the numbers")
            }
            set(name, .shape(numbers.map { shape[$0] }))
        case .constant(let table):
            // The label by the number of the greatest: no prediction needs it.
            guard given == nil else { return set(name, .label) }
            try embed(node, table, axis: axis)
        case .rows(let rows):
            guard !rows.isCut, rows.shape.count == 1, axis == 1 || axis == -1 else {
                throw node.unsupported("the axis")
            }
            let numbers = try integers(node, 1).map { $0 < 0 ? $0 &+ rows.count : $0 }
            // The numbers' own shape takes the place of the axis.
            let shape = given == nil ? try constant(node, 1).shape : [numbers.count]
            try select(node, rows, numbers, shape: shape)
        case .forest: throw node.unsupported("trees as input")
        }
    }

    private mutating func select(
        _ node: ONNXNode, _ rows: ONNXRows, _ numbers: [Int], shape: [Int]
    ) throws(ModelFormatError) {
        guard !numbers.isEmpty, numbers.allSatisfy({ (0..<rows.count).contains($0) }) else {
            throw node.inconsistent("a column's number")
        }
        try spend(numbers.count, node)
        switch rows.source {
        case .features(let features):
            try set(output(node), .rows(ONNXRows(shape: shape, source: .features(numbers.map { features[$0] }))))
        case .place(let place):
            let result = try append(.select(numbers.map { Int32($0) }), place, width: numbers.count, at: node.offset)
            try set(output(node), .rows(ONNXRows(shape: shape, source: .place(result))))
        }
    }

    private mutating func embed(_ node: ONNXNode, _ table: ONNXTensor, axis: Int) throws(ModelFormatError) {
        guard axis == 0, table.shape.count == 2, case .floats(let weights) = table.values,
            case .rows(let numbers) = try value(node, 1)
        else { throw node.unsupported("the inputs") }
        let (rowCount, width) = (table.shape[0], table.shape[1])
        guard rowCount > 0, width > 0, rowCount <= Network.maxTableRowCount else {
            throw ModelFormatError(.tooLarge("a table"), at: node.offset)
        }
        let (count, overflows) = numbers.count.multipliedReportingOverflow(by: width)
        guard !overflows else { throw ModelFormatError(.tooLarge("columns"), at: node.offset) }
        try spend(weights.count, node)
        let source = try place(of: numbers)
        let result = try append(.embedding(table: weights, rowCount: rowCount), source, width: count, at: node.offset)
        try set(output(node), .rows(ONNXRows(shape: numbers.shape + [width], source: .place(result))))
    }

    /// A run of columns.
    mutating func slice(_ node: ONNXNode) throws(ModelFormatError) {
        let isOld = node.has("starts")
        let starts = isOld ? node.integers("starts") : try integers(node, 1)
        let ends = isOld ? node.integers("ends") : try integers(node, 2)
        let axes = isOld ? node.integers("axes") : has(node, 3) ? try integers(node, 3) : [0]
        let steps = !isOld && has(node, 4) ? try integers(node, 4) : [1]
        if case .shape(let shape) = try value(node, 0) {
            guard axes == [0], steps == [1], let range = Self.range(starts, ends, shape.count) else {
                throw node.unsupported("the axes")
            }
            return try set(output(node), .shape(Array(shape[range])))
        }
        let rows = try vectors(node)
        guard axes == [1] || axes == [-1], steps == [1], let range = Self.range(starts, ends, rows.count) else {
            throw node.unsupported("the axes")
        }
        try select(node, rows, Array(range), shape: [range.count])
    }

    /// From start to end, both counted from the end where they are negative and cut to what is there.
    private static func range(_ starts: [Int], _ ends: [Int], _ count: Int) -> Range<Int>? {
        guard starts.count == 1, ends.count == 1 else { return nil }
        func position(_ value: Int) -> Int {
            max(0, min(count, value < 0 ? value.addingReportingOverflow(count).partialValue : value))
        }
        let (start, end) = (position(starts[0]), position(ends[0]))
        return start < end ? start..<end : nil
    }
}
