import JSONReader
import ModelTypes

/// The text that libFM saves a model as: up to three parts, each under a line that begins with `#`. Bias and weights may be
/// missing, and are then zero. A pairwise line has the factors of one feature, separated by spaces; none where k is 0.
///
/// Source: `fm_model::saveModel` in `src/fm_core/fm_model.h` of libFM. The file does not say what was learned, so that its
/// margins are answered as they are: `FactorizationMachineDocument` has a task.
enum LibFMText {
    private enum Part { case bias, weights, factors }

    static func isFormat(_ cursor: ByteCursor) -> Bool {
        cursor.starts(with: "#global bias W0") || cursor.starts(with: "#unary interactions Wj")
            || cursor.starts(with: "#pairwise interactions Vj,f")
    }

    static func parse(_ cursor: ByteCursor, limits: ModelLimits) throws(ModelFormatError) -> ModelDescription {
        var cursor = cursor
        var part: Part?
        var bias: Float?
        var weights: [Float]?
        var factors: [Float]?
        var factorCounts: ClosedRange<Int>?
        var rowCount = 0
        while let line = try cursor.line() {
            func refuse(_ what: String) -> ModelFormatError { ModelFormatError(.malformed(what), at: line.origin) }
            if line.starts(with: "#") {
                part = try self.part(line)
                switch part {
                case .bias? where bias == nil && weights == nil && factors == nil: break
                case .weights? where weights == nil && factors == nil: weights = []
                case .factors? where factors == nil: factors = []
                default: throw refuse("a part twice or out of order")
                }
                continue
            }
            let numbers = try numbers(line)
            switch part {
            case .bias?:
                guard numbers.count == 1, bias == nil else { throw refuse("one bias") }
                bias = numbers[0]
            case .weights?:
                guard numbers.count == 1 else { throw refuse("one weight a line") }
                weights?.append(numbers[0])
            case .factors?:
                let counts = factorCounts ?? numbers.count...numbers.count
                guard counts.contains(numbers.count) else { throw refuse("as many factors as in the lines before") }
                factorCounts = counts
                factors? += numbers
                rowCount += 1
            case nil: throw refuse("a line before the first part")
            }
            guard max(rowCount, weights?.count ?? 0) <= limits.maxFeatureCount else {
                throw ModelFormatError(.tooLarge("features"), at: line.origin)
            }
        }
        let factorCount = factorCounts?.lowerBound ?? 0
        // Each line ends: a file cut within its last number would be another model.
        guard let factors, rowCount > 0, cursor[cursor.count - 1] == 0x0A, rowCount == weights?.count ?? rowCount,
            factorCount <= FactorizationMachineDocument.maxFactorCount
        else { throw ModelFormatError(.truncated, at: cursor.offset) }
        let machine: FactorizationMachine
        do throws(FactorizationMachine.Failure) {
            machine = try FactorizationMachine(
                featureCount: rowCount, factorCount: factorCount, bias: bias ?? 0,
                weights: weights ?? Array(repeating: 0, count: rowCount), factors: factors)
        } catch { throw ModelFormatError(.factorizationMachine(error), at: cursor.offset) }
        return ModelDescription(
            predictor: .factorizationMachine(machine), featureNames: [], transform: .identity, objective: "",
            bestIteration: nil, source: ModelSource(format: .libFMText, writerVersion: ""))
    }

    private static func part(_ line: ByteCursor) throws(ModelFormatError) -> Part {
        if line.starts(with: "#global bias W0") { return .bias }
        if line.starts(with: "#unary interactions Wj") { return .weights }
        if line.starts(with: "#pairwise interactions Vj,f") { return .factors }
        throw ModelFormatError(.malformed("a part that libFM does not write"), at: line.origin)
    }

    private static func numbers(_ line: ByteCursor) throws(ModelFormatError) -> [Float] {
        var numbers: [Float] = []
        let value = KeyedLine(key: "a line", value: line, offset: line.origin)
        for number in try value.doubles() { numbers.append(Float(number)) }
        return numbers
    }
}
