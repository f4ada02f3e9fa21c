import ModelTypes
import PropertyTesting

/// Random sound forests with everything that a forest can have, and rows that hit their thresholds.
struct RandomForest {
    let model: ModelDescription
    let forest: Forest
    let thresholds: [Double]

    init(_ random: inout SeededGenerator) throws {
        let featureCount = Int.random(in: 1...40, using: &random)
        let type: NumberType = Bool.random(using: &random) ? .float32 : .float64
        let marginCount = [1, 1, 1, 2, 5].randomElement(using: &random)!
        let hasCategories = Int.random(in: 0..<4, using: &random) == 0
        let computed = type == .float64 && Bool.random(using: &random) ? Self.computed(featureCount, &random) : .none
        let maxDepth = Int.random(in: 0...14, using: &random)
        // A small pool of thresholds, so that features share and repeat them; now and then a large one.
        let poolCount = [3, 20, 5000].randomElement(using: &random)!
        let pool = (0..<poolCount).map { _ in Self.number(&random, type) }
        var sets: [[UInt32]] = []
        var thresholds: [Double] = []
        let trees = (0..<Int.random(in: 1...45, using: &random)).map { _ in
            var nodes: [TreeNode] = []
            func grow(_ depth: Int) -> Int32 {
                let position = nodes.count
                if depth >= maxDepth || Int.random(in: 0..<6, using: &random) == 0 {
                    nodes.append(.leaf(Self.leaf(&random, type)))
                    return Int32(position)
                }
                nodes.append(.leaf(0))
                let left = grow(depth + 1)
                let right = grow(depth + (Bool.random(using: &random) ? 1 : 3))
                let feature = Int32.random(in: 0..<Int32(featureCount + computed.columnCount), using: &random)
                if hasCategories, Bool.random(using: &random) {
                    sets.append(
                        (0..<Int.random(in: 0...3, using: &random)).map { _ in UInt32(truncatingIfNeeded: random.next())
                        })
                    nodes[position] = .categorical(
                        feature: feature, set: Int32(sets.count - 1),
                        missing: Bool.random(using: &random) ? .nanLeft : .nanRight,
                        left: left, right: right)
                } else {
                    let threshold = pool.randomElement(using: &random)!
                    thresholds.append(threshold)
                    nodes[position] = .numerical(
                        feature: feature, threshold: threshold,
                        missing: MissingRule.allCases.randomElement(using: &random)!,
                        left: left, right: right)
                }
                return Int32(position)
            }
            _ = grow(0)
            return Forest.Tree(nodes: nodes, margin: Int.random(in: 0..<marginCount, using: &random))
        }
        forest = try Forest(
            featureCount: featureCount, inputType: type, accumulator: type,
            comparison: Bool.random(using: &random) ? .less : .lessOrEqual,
            categoryRule: Bool.random(using: &random) ? .nonNegative : .truncated, trees: trees, categorySets: sets,
            startValues: (0..<marginCount).map { _ in Self.leaf(&random, type) },
            divisor: Int.random(in: 0..<5, using: &random) == 0 ? 3 : 1, computed: computed)
        model = ModelDescription(
            predictor: .forest(forest), featureNames: [], transform: .identity, objective: "random", bestIteration: nil,
            source: ModelSource(format: .xgboostJSON, writerVersion: ""))
        self.thresholds = thresholds
    }

    /// Rows of thresholds and their neighbours, categories, NaN, infinities, zeros, denormals and other numbers.
    func rows(_ count: Int, _ random: inout SeededGenerator) -> [Double] {
        (0..<count * forest.featureCount).map { index in
            let isText = forest.computed.textColumns.contains(Int32(index % forest.featureCount))
            if isText, Bool.random(using: &random) { return CategoryHash.number(Self.category(&random)) }
            let threshold = thresholds.randomElement(using: &random) ?? 0
            switch Int.random(in: 0..<12, using: &random) {
            case 0: return .nan
            case 1:
                return [.infinity, -.infinity, 0, -0.0, 1e-36, -1e-35, .leastNonzeroMagnitude, -1e-45, 1e300, -3e38]
                    .randomElement(using: &random)!
            case 2, 3, 4: return threshold
            case 5: return forest.inputType == .float32 ? Double(Float(threshold).nextUp) : threshold.nextUp
            case 6: return forest.inputType == .float32 ? Double(Float(threshold).nextDown) : threshold.nextDown
            case 7: return Double(Int.random(in: -2...100, using: &random))
            case 8: return Double.random(in: -2...100, using: &random)
            default: return Self.number(&random, .float64)
            }
        }
    }

    /// A few categories, so that those of tables are asked.
    private static func category(_ random: inout SeededGenerator) -> UInt32 {
        let digits = [CategoryHash.category(7), CategoryHash.category(-2)]
        return ([0, 1, 0x7FFF_FFFF, 0x8000_0000, .max, CategoryHash.missing] + digits).randomElement(using: &random)!
    }

    /// Projections of every kind of part over some columns; their columns hold what thresholds may be.
    private static func computed(_ featureCount: Int, _ random: inout SeededGenerator) -> ComputedFeatures {
        let texts = (0..<Int32(featureCount)).filter { _ in Bool.random(using: &random) }
        func part() -> ComputedFeatures.Part {
            if let column = texts.randomElement(using: &random), Int.random(in: 0..<3, using: &random) > 0 {
                return Bool.random(using: &random)
                    ? .category(column: column) : .isCategory(column: column, category: category(&random))
            }
            return .isAbove(
                column: Int32.random(in: 0..<Int32(featureCount), using: &random), threshold: number(&random, .float64),
                nanIsAbove: Bool.random(using: &random))
        }
        let projections = (0..<Int.random(in: 0...4, using: &random)).map { _ in
            let parts = (0...Int.random(in: 0...3, using: &random)).map { _ in part() }
            var keys: Set<UInt64> = []
            for _ in 0..<[0, 1, 6, 60].randomElement(using: &random)! {
                let hash = parts.reduce(0 as UInt64) { hash, part in
                    let isCategory = if case .category = part { true } else { false }
                    return CategoryHash.combined(
                        hash,
                        isCategory ? CategoryHash.part(category(&random)) : UInt64.random(in: 0...1, using: &random))
                }
                keys.insert(Bool.random(using: &random) ? hash : random.next())
            }
            let columns = (0...Int.random(in: 0...2, using: &random)).map { _ in
                ComputedFeatures.Column(
                    values: keys.map { _ in Float(number(&random, .float32)) },
                    other: Int.random(in: 0..<4, using: &random) == 0 ? .nan : Float(number(&random, .float32)))
            }
            return ComputedFeatures.Projection(parts: parts, keys: keys.sorted(), columns: columns)
        }
        return ComputedFeatures(textColumns: texts, projections: projections)
    }

    private static func number(_ random: inout SeededGenerator, _ type: NumberType) -> Double {
        let value: Double
        switch Int.random(in: 0..<8, using: &random) {
        case 0: value = [0, -0.0, .infinity, -.infinity, 1e-45, -1e-40, 1e-35, 3e38].randomElement(using: &random)!
        case 1: value = Double(Int.random(in: -5...5, using: &random))
        default: value = Double.random(in: -3...3, using: &random)
        }
        return type == .float32 ? Double(Float(value)) : value
    }

    private static func leaf(_ random: inout SeededGenerator, _ type: NumberType) -> Double {
        let value = Double.random(in: -1...1, using: &random)
        return type == .float32 ? Double(Float(value)) : value
    }
}
