import JSONReader
import ModelTypes
import Names

/// Lodestore's own file for factorization machines; `Docs/Formats/factorization-machine.md` describes it.
enum FactorizationMachineDocument {
    static let formatName = "lodestore-factorization-machine"
    static let maxFactorCount = 4096

    private enum Task: String {
        case regression
        case binaryClassification = "binary_classification"
    }

    private enum Key: String, DocumentKey {
        case format, version, task, bias, features, weights, factors
        static let withoutEffect: [String] = []
    }

    static func parse(_ cursor: ByteCursor, limits: ModelLimits) throws(ModelFormatError) -> ModelDescription {
        try unsafe cursor.withRemainingBytes { (bytes) throws(ModelFormatError) in
            let rules = JSONRules(maxDepth: 8, maxStringBytes: limits.maxStringBytes)
            return try unsafe JSONReader.read(bytes, rules: rules) { (json) throws(ModelFormatError) in
                let model = try read(&json, limits: limits)
                try json.takeEnd()
                return model
            }
        }
    }

    private static func read(_ json: inout JSONReader, limits: ModelLimits) throws(ModelFormatError) -> ModelDescription
    {
        var hasFormat = false
        var version = 0
        var task = Task.regression
        var bias: Float = 0
        var names: [String] = []
        var weights: [Float]?
        var factors: [Float]?
        var factorCount = 0
        try json.eachKey(of: Key.self, at: "") { (json, key) throws(ModelFormatError) in
            switch key {
            case .format: hasFormat = try json.takeString().hasSameBytes(as: formatName)
            case .version: version = try json.takeInt()
            case .task:
                let name = try json.takeString()
                guard let known = Task(rawValue: name) else {
                    throw ModelFormatError(.unsupported("task \(name.prefix(64))"), at: json.documentOffset)
                }
                task = known
            case .bias: bias = try json.takeFloat()
            case .features: names = try json.takeStrings()
            case .weights: weights = try json.takeFloats()
            case .factors: (factors, factorCount) = try readFactors(&json)
            }
        }
        func refuse(_ reason: ModelFormatError.Reason) -> ModelFormatError {
            ModelFormatError(reason, at: json.documentOffset)
        }
        guard hasFormat else { throw refuse(.malformed("\"format\": \"\(formatName)\"")) }
        guard version == 1 else { throw refuse(.unsupported("version \(version)")) }
        guard let weights, let factors else { throw refuse(.malformed("weights and factors")) }
        guard weights.count > 0, weights.count <= limits.maxFeatureCount else { throw refuse(.tooLarge("features")) }
        guard names.isEmpty || names.count == weights.count else { throw refuse(.inconsistent("features")) }
        let machine: FactorizationMachine
        do throws(FactorizationMachine.Failure) {
            machine = try FactorizationMachine(
                featureCount: weights.count, factorCount: factorCount, bias: bias, weights: weights, factors: factors)
        } catch { throw refuse(.factorizationMachine(error)) }
        return ModelDescription(
            predictor: .factorizationMachine(machine), featureNames: names,
            transform: task == .regression ? .identity : .logistic, objective: task.rawValue, bestIteration: nil,
            source: ModelSource(format: .factorizationMachine, writerVersion: ""))
    }

    /// An array with an array for each feature, all of one length.
    private static func readFactors(_ json: inout JSONReader) throws(ModelFormatError) -> ([Float], Int) {
        var factors: [Float] = []
        var factorCount: Int?
        try json.enterArray()
        while try json.takeElement() {
            let before = factors.count
            try json.takeFloats(into: &factors)
            let count = factors.count - before
            guard count == factorCount ?? count else {
                throw ModelFormatError(.inconsistent("factors differ in number"), at: json.documentOffset)
            }
            guard count <= maxFactorCount else { throw ModelFormatError(.tooLarge("factors"), at: json.documentOffset) }
            factorCount = count
        }
        return (factors, factorCount ?? 0)
    }
}
