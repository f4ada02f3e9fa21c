package import ModelTypes

/// The slow, obvious way from a description to margins, without an image: what kernels are held to, bit for bit.
package struct ReferenceWalker {
    private let model: ModelDescription

    /// - Precondition: no graph for a library, which has no second way to be walked.
    package init(_ model: ModelDescription) {
        if case .graph = model.predictor { preconditionFailure("a library's graph") }
        self.model = model
    }

    /// - Parameter row: [featureCount]; NaN means missing.
    /// - Returns: [marginCount].
    package func margins(_ row: [Double]) -> [Double] {
        switch model.predictor {
        case .forest(let forest): margins(row, forest)
        case .linear(let linear): margins(row, linear)
        case .factorizationMachine(let machine): [margin(row, machine)]
        case .network(let network): ReferenceNetwork(network).margins(row)
        case .graph: preconditionFailure("a library's graph")
        }
    }

    private func margins(_ row: [Double], _ forest: Forest) -> [Double] {
        var sums = forest.startValues
        var row = row
        for column in forest.computed.textColumns {
            row[Int(column)] = Double(CategoryHash.category(ofRow: row[Int(column)]))
        }
        row += computed(row, forest.computed)
        for tree in forest.trees {
            sums[tree.margin] = add(sums[tree.margin], leaf(of: tree, row, forest), forest.accumulator)
        }
        for margin in sums.indices {
            let product = forest.scale * sums[margin]
            sums[margin] = forest.accumulator == .float32 ? Double(Float(product)) : product
            if !forest.biases.isEmpty { sums[margin] = add(sums[margin], forest.biases[margin], forest.accumulator) }
        }
        return sums
    }

    /// - Parameter row: With hashes in the columns of texts.
    private func computed(_ row: [Double], _ features: ComputedFeatures) -> [Double] {
        features.projections.flatMap { projection -> [Double] in
            var hash: UInt64 = 0
            for part in projection.parts {
                let value: UInt64 =
                    switch part {
                    case .category(let column): CategoryHash.part(UInt32(row[Int(column)]))
                    case .isAbove(let column, let threshold, let nanIsAbove):
                        row[Int(column)] > threshold || row[Int(column)].isNaN && nanIsAbove ? 1 : 0
                    case .isCategory(let column, let category):
                        row[Int(column)] == Double(category) ? 1 : 0
                    }
                hash = CategoryHash.combined(hash, value)
            }
            let key = projection.keys.firstIndex(of: hash)
            return projection.columns.map { column in Double(key.map { column.values[$0] } ?? column.other) }
        }
    }

    private func leaf(of tree: Forest.Tree, _ row: [Double], _ forest: Forest) -> Double {
        var node = tree.nodes[0]
        while node.kind != .leaf {
            let value = forest.inputType == .float32 ? Double(Float(row[Int(node.feature)])) : row[Int(node.feature)]
            node = tree.nodes[Int(goesLeft(value, at: node, forest) ? node.left : node.right)]
        }
        return node.value
    }

    private func goesLeft(_ value: Double, at node: TreeNode, _ forest: Forest) -> Bool {
        if node.kind == .categorical {
            return value.isNaN ? node.missing == .nanLeft : !isMember(value, of: node, forest)
        }
        var value = value
        switch node.missing {
        case .nanLeft, .nanRight: if value.isNaN { return node.missing == .nanLeft }
        case .nanIsZero: if value.isNaN { value = 0 }
        case .zeroLeft, .zeroRight:
            if value.isNaN || abs(value) <= MissingRule.zeroMagnitude { return node.missing == .zeroLeft }
        }
        return forest.comparison == .less ? value < node.value : value <= node.value
    }

    private func isMember(_ value: Double, of node: TreeNode, _ forest: Forest) -> Bool {
        let isNamed =
            switch forest.categoryRule {
            case .nonNegative: value >= 0 && value < 16_777_215
            case .truncated: value > -1 && value < 2_147_483_648
            }
        guard isNamed else { return false }
        let category = Int(value)
        let set = forest.categorySets[Int(node.categorySet)]
        return category >> 5 < set.count && set[category >> 5] >> UInt32(category & 31) & 1 == 1
    }

    private func margins(_ row: [Double], _ linear: LinearPredictor) -> [Double] {
        var sums = linear.startValues
        for (feature, value) in row.enumerated() where !value.isNaN {
            for margin in sums.indices {
                let weight = linear.weights[feature * sums.count + margin]
                let product =
                    linear.accumulator == .float32 ? Double(Float(value) * Float(weight)) : value * weight
                sums[margin] = add(sums[margin], product, linear.accumulator)
            }
        }
        return sums
    }

    private func add(_ left: Double, _ right: Double, _ type: NumberType) -> Double {
        type == .float32 ? Double(Float(left) + Float(right)) : left + right
    }

    /// In float64 and pair by pair: what the kernel, in float32 and factor by factor, comes close to.
    private func margin(_ row: [Double], _ machine: FactorizationMachine) -> Double {
        let present = row.indices.filter { row[$0] != 0 && !row[$0].isNaN }
        var sum = Double(machine.bias)
        for feature in present { sum += row[feature] * Double(machine.weights[feature]) }
        for (position, first) in present.enumerated() {
            for second in present[(position + 1)...] {
                var product = 0.0
                for factor in 0..<machine.factorCount {
                    product +=
                        Double(machine.factors[first * machine.factorCount + factor])
                        * Double(machine.factors[second * machine.factorCount + factor])
                }
                sum += row[first] * row[second] * product
            }
        }
        return sum
    }
}
