import JSONReader
import ModelImage
import Scoring

/// Why golden requests do not vouch for a model. Push a bundle whose requests reproduce.
enum GoldenError: Error, Equatable, Sendable, CustomStringConvertible {
    /// `golden.csv` is not what `Docs/Formats/bundle.md` says.
    case malformed(line: Int, String)
    case wrongFeatureCount(golden: Int, model: Int)
    /// The model answers something else than the golden file says.
    case mismatch(line: Int, column: String, expected: Double, answered: Double)

    var description: String {
        switch self {
        case .malformed(let line, let what): "line \(line) of golden.csv: \(what)"
        case .wrongFeatureCount(let golden, let model):
            "golden.csv has \(golden) features, the model \(model)"
        case .mismatch(let line, let column, let expected, let answered):
            "golden request in line \(line) does not reproduce: \(column) is \(answered), expected \(expected)"
        }
    }
}

/// The golden requests of a bundle: rows, and what the reference library answered for them.
///
/// `golden.csv`, as `Docs/Formats/bundle.md` has it: lines that begin with `#` are comments; the first other line names the
/// features and then `margin`, `probability` or `prediction`; every further line is a request. An empty field is missing. Fields
/// of a feature with an encoder, or of categories, are texts, in quotation marks where they hold a comma or a quotation mark.
struct GoldenRequests {
    static let rowLimitCount = 100_000
    /// What a margin or a prediction may differ by: absolutely where it is small, else relative to it.
    static let tolerance = 1e-6
    private static let answerColumns: Set<String> = ["margin", "probability", "prediction"]

    let featureCount: Int
    /// Row-major [lines.count, featureCount]; NaN is missing.
    let rows: [Double]
    /// Row-major [lines.count, columns.count].
    let answers: [Double]
    let columns: [String]
    /// The line of each request, counted from 1.
    let lines: [Int]

    /// - Parameter encode: The number of a text; nil for a feature that takes numbers.
    /// - Throws: ``GoldenError/malformed(line:_:)``.
    init(
        csv bytes: [UInt8], encode: (_ feature: Int, _ text: [UInt8]) -> Double? = { _, _ in nil }
    ) throws(GoldenError) {
        var header: [String]?
        var featureCount = 0
        var rows: [Double] = []
        var answers: [Double] = []
        var lines: [Int] = []
        var number = 0
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            if line.isEmpty || line.first == UInt8(ascii: "#") { continue }
            guard let fields = Self.fields(line) else {
                throw .malformed(line: number, "a quotation mark out of place")
            }
            guard let names = header else {
                let names = fields.map { String(decoding: $0, as: UTF8.self) }
                featureCount = names.firstIndex { Self.answerColumns.contains($0) } ?? names.count
                guard featureCount > 0, featureCount < names.count,
                    names[featureCount...].allSatisfy({ Self.answerColumns.contains($0) })
                else { throw .malformed(line: number, "features, then margin, probability or prediction") }
                header = names
                continue
            }
            guard fields.count == names.count else { throw .malformed(line: number, "\(fields.count) fields") }
            guard lines.count < Self.rowLimitCount else { throw .malformed(line: number, "too many requests") }
            for (index, field) in fields.enumerated() {
                let isFeature = index < featureCount
                if isFeature, field.isEmpty {
                    rows.append(.nan)
                } else if isFeature, let encoded = encode(index, field) {
                    rows.append(encoded)
                } else if let value = NumberText.double(field.span) {
                    if isFeature { rows.append(value) } else { answers.append(value) }
                } else {
                    throw .malformed(line: number, "\(names[index]) is no number")
                }
            }
            lines.append(number)
        }
        guard let header, !lines.isEmpty else { throw .malformed(line: number, "no requests") }
        self.featureCount = featureCount
        self.columns = Array(header[featureCount...])
        self.rows = rows
        self.answers = answers
        self.lines = lines
    }

    /// The fields of a line; nil when a quotation mark stands where RFC 4180 has none.
    private static func fields(_ line: ArraySlice<UInt8>) -> [[UInt8]]? {
        let (mark, comma) = (UInt8(ascii: "\""), UInt8(ascii: ","))
        guard line.contains(mark) else {
            return line.split(separator: comma, omittingEmptySubsequences: false).map(Array.init)
        }
        var fields: [[UInt8]] = []
        var position = line.startIndex
        while true {
            var field: [UInt8] = []
            let isQuoted = position < line.endIndex && line[position] == mark
            if isQuoted {
                position += 1
                while true {
                    guard position < line.endIndex else { return nil }
                    if line[position] == mark {
                        position += 1
                        // Two marks stand for one.
                        guard position < line.endIndex, line[position] == mark else { break }
                    }
                    field.append(line[position])
                    position += 1
                }
            } else {
                while position < line.endIndex, line[position] != comma {
                    guard line[position] != mark else { return nil }
                    field.append(line[position])
                    position += 1
                }
            }
            fields.append(field)
            if position == line.endIndex { return fields }
            guard line[position] == comma else { return nil }
            position += 1
        }
    }

    /// Asks the model every request.
    ///
    /// - Throws: ``GoldenError/wrongFeatureCount(golden:model:)``, or the first ``GoldenError/mismatch(line:column:expected:answered:)``.
    func check(_ image: ModelImageView) throws(GoldenError) {
        let scorer = Scorer(image)
        guard featureCount == scorer.featureCount else {
            throw .wrongFeatureCount(golden: featureCount, model: scorer.featureCount)
        }
        for (index, column) in columns.enumerated() {
            let width = column == "margin" ? scorer.marginCount : scorer.outputCount
            // One number a request says nothing of a model that answers several.
            guard width == 1 else { throw .malformed(line: 1, "\(column) of a model with \(width) of them") }
            let answered = answers(of: scorer, column: column)
            for (row, line) in lines.enumerated() {
                let expected = answers[row * columns.count + index]
                guard Self.isSame(answered[row], expected) else {
                    throw .mismatch(line: line, column: column, expected: expected, answered: answered[row])
                }
            }
        }
    }

    private func answers(of scorer: Scorer, column: String) -> [Double] {
        var answered = [Double](repeating: 0, count: lines.count)
        let scratch = ScoringScratch()
        var target = answered.mutableSpan
        if column == "margin" {
            scorer.margins(rows.span, rowCount: lines.count, into: &target, scratch: scratch)
        } else {
            scorer.predict(rows.span, rowCount: lines.count, into: &target, scratch: scratch)
        }
        return answered
    }

    private static func isSame(_ answered: Double, _ expected: Double) -> Bool {
        if answered.isNaN || expected.isNaN { return answered.isNaN && expected.isNaN }
        return abs(answered - expected) <= tolerance * max(1, abs(expected))
    }
}
