/// What scoring costs at most, known before there is a row.
///
/// One unit is a tree of usual depth, some five nanoseconds; 200,000 are about a millisecond. All of it follows from what the
/// validator has checked, so that whoever made the image has no say in it. The bounds are the kernels'; decision 0085 has what was
/// measured. Sums and products end at the largest number and do not overflow: an image may hold as much as it likes.
package struct ScoringWork: Hashable, Sendable {
    /// Of a row.
    package private(set) var perRow = 0
    /// Of a call beside its rows: constants that are fetched once for a block of them.
    package private(set) var perCall = 0

    /// Eight trees walk in step, and so deep as the deepest of them.
    private static let treesInStep = 8
    /// Weights of a dense layer to a unit, once they are near.
    private static let weightsPerUnit = 200
    /// Bytes that come from memory in a unit.
    private static let bytesPerUnit = 64
    /// Slots of a table that a unit looks at.
    private static let probesPerUnit = 8

    /// - Parameter view: of a checked image. A library's graph has no bound that we know.
    init(_ view: ModelImageView) {
        // The one margin of most models, and its number in the answer, are within the first unit.
        add(view.marginCount - 1)
        add(view.outputCount - 1, times: 8)
        if view.isNetwork {
            addLayers(view)
        } else if view.isFactorized {
            // None of a row's features need be zero.
            add(view.featureCount / 4)
            unsafe add(view.factors.count / 16)
        } else if view.isLinear {
            // Each addition waits for the one before, and weights of neighbouring features lie `marginCount` apart.
            let weights = view.featureCount.multipliedReportingOverflow(by: view.marginCount)
            add(weights.overflow ? .max : weights.partialValue / 2)
        } else if !view.isGraph {
            addSlots(view)
            addTrees(view)
        }
        perRow = max(1, perRow)
    }

    /// Of so many rows in one call.
    ///
    /// - Parameter answerWork: of each row, beside its scoring.
    package func of(rowCount: Int, answerWork: Int = 0) -> Int {
        let row = Self.sum(perRow, answerWork)
        let (rows, overflows) = row.multipliedReportingOverflow(by: rowCount)
        return Self.sum(overflows ? .max : rows, perCall)
    }

    // MARK: Forests

    /// A search for each feature that is asked, and what is looked up before.
    private mutating func addSlots(_ view: ModelImageView) {
        add(view.searchCount)
        add(view.slotCount / 4)
        let computed = view.computed
        unsafe add(computed.textColumns.count)
        unsafe add(computed.parts.count)
        for index in 0..<computed.projectionCount {
            let projection = unsafe computed.projections[index]
            add(1 + computed.longestSearch(in: projection) / Self.probesPerUnit)
            add(Int(projection.columnCount) / 4)
        }
    }

    private mutating func addTrees(_ view: ModelImageView) {
        let depths = unsafe view.trees.depths
        guard view.slotCount == view.numericalSlotCount else {
            // Walked one after the other, and each step waits for a set of categories.
            for tree in 0..<view.treeCount { unsafe add(max(1, Int(depths[tree]))) }
            return
        }
        var first = 0
        while first + Self.treesInStep <= view.treeCount {
            var deepest = Self.treesInStep
            for tree in first..<first + Self.treesInStep { deepest = unsafe max(deepest, Int(depths[tree])) }
            add(deepest)
            first += Self.treesInStep
        }
        // The rest walk alone: each step waits for the one before.
        for tree in first..<view.treeCount { unsafe add(max(1, Int(depths[tree]))) }
    }

    // MARK: Networks

    /// Layers may share constants, so that it is the layers that count.
    private mutating func addLayers(_ view: ModelImageView) {
        for index in unsafe view.layers.indices {
            let layer = unsafe view.layers[index]
            let outputs = Int(layer.output.count)
            switch NetworkOperation(rawValue: layer.operation) {
            case .panels, .dots:
                let weights = Int(layer.input.count).multipliedReportingOverflow(by: outputs)
                let count = weights.overflow ? .max : weights.partialValue
                add(count / Self.weightsPerUnit)
                perCall = Self.sum(perCall, count / (Self.bytesPerUnit / 4))
                add(1 + outputs / 4)
            case .embedding, .select, .arithmetic, .combine, .impute, .softmax, .normalize, nil: add(1 + outputs)
            }
        }
    }

    // MARK: Sums

    private mutating func add(_ count: Int, times factor: Int = 1) {
        let (product, overflows) = count.multipliedReportingOverflow(by: factor)
        perRow = Self.sum(perRow, overflows ? .max : product)
    }

    private static func sum(_ left: Int, _ right: Int) -> Int {
        let (sum, overflows) = left.addingReportingOverflow(right)
        return overflows ? .max : sum
    }
}
