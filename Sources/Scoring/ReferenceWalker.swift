package import ModelTypes

/// The slow, obvious way from a description to margins, without an image: what kernels are held to, bit for bit.
package struct ReferenceWalker {
    private let model: ModelDescription

    package init(_ model: ModelDescription) { self.model = model }

    /// - Parameter row: [featureCount]; NaN means missing.
    /// - Returns: [marginCount].
    package func margins(_ row: [Double]) -> [Double] {
        switch model.predictor {
        case .forest(let forest): margins(row, forest)
        case .linear(let linear): margins(row, linear)
        case .network(let network): ReferenceNetwork(network).margins(row)
        }
    }

    private func margins(_ row: [Double], _ forest: Forest) -> [Double] {
        var sums = forest.startValues
        for tree in forest.trees {
            sums[tree.margin] = add(sums[tree.margin], leaf(of: tree, row, forest), forest.accumulator)
        }
        return sums
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
}
