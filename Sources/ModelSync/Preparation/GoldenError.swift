import ModelTypes

/// Why golden requests do not vouch for a model. Push a bundle whose requests reproduce.
enum GoldenError: Error, Equatable, Sendable, CustomStringConvertible {
    /// `golden.csv` is not what `Docs/Formats/bundle.md` says.
    case malformed(line: Int, String)
    case wrongFeatureCount(golden: Int, model: Int)
    /// The model answers something else than the golden file says.
    case mismatch(line: Int, column: String, expected: Double, answered: Double)
    /// A graph's library did not answer.
    case unanswered(GraphRunError)
    /// The model had not answered all of them in time.
    case tooSlow(line: Int, patience: Duration)
    /// A graph answers a row by itself otherwise than among others: it mixes rows.
    case mixed(line: Int)

    var description: String {
        switch self {
        case .malformed(let line, let what): "line \(line) of golden.csv: \(what)"
        case .wrongFeatureCount(let golden, let model):
            "golden.csv has \(golden) features, the model \(model)"
        case .mismatch(let line, let column, let expected, let answered):
            "golden request in line \(line) does not reproduce: \(column) is \(answered), expected \(expected)"
        case .unanswered(let error): "the golden requests: \(error)"
        case .tooSlow(let line, let patience):
            "the golden requests were not answered within \(patience): line \(line) was reached; push fewer"
        case .mixed(let line):
            "golden request in line \(line) is answered otherwise when it is asked alone: the graph mixes rows"
        }
    }
}
