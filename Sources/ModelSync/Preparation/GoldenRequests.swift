import JSONReader
import ModelTypes
import Scoring

/// Why golden requests do not vouch for a model. Push a bundle whose requests reproduce.
enum GoldenError: Error, Equatable, Sendable, CustomStringConvertible {
    /// `golden.csv` is not what `Docs/Formats/bundle.md` says.
    case malformed(line: Int, String)
    case wrongFeatureCount(golden: Int, model: Int)
    /// The model answers something else than the golden file says.
    case mismatch(line: Int, column: String, expected: Double, answered: Double)
    /// A graph's library did not answer.
    case unanswered(GraphRunError)
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
        case .mixed(let line):
            "golden request in line \(line) is answered otherwise when it is asked alone: the graph mixes rows"
        }
    }
}

/// The golden requests of a bundle: rows, and what the reference library answered for them.
///
/// `golden.csv`, as `Docs/Formats/bundle.md` has it: lines that begin with `#` are comments; the first other line names the
/// features and then `margin`, `probability` or `prediction`, numbered where a row has several; every further line is a request. An
/// empty field is missing. Fields of a feature with an encoder, or of categories, are texts, in quotation marks where they hold a
/// comma or a quotation mark.
struct GoldenRequests {
    static let rowLimitCount = 100_000
    /// What a margin or a prediction may differ by: absolutely where it is small, else relative to it.
    static let tolerance = 1e-6
    /// Requests that a graph is also asked one by one.
    static let aloneCount = 64
    /// What a graph's answers may differ by then: a library adds in another order for other numbers of rows.
    static let mixingTolerance = 1e-3

    let featureCount: Int
    /// Row-major [lines.count, featureCount]; NaN is missing.
    let rows: [Double]
    /// Row-major [lines.count, columns.count].
    let answers: [Double]
    let columns: [GoldenColumn]
    /// Of the names, counted from 1.
    let headerLine: Int
    /// The line of each request, counted from 1.
    let lines: [Int]

    /// - Parameter encode: The number of a text; nil for a feature that takes numbers.
    /// - Throws: ``GoldenError/malformed(line:_:)``.
    init(
        csv bytes: [UInt8], encode: (_ feature: Int, _ text: [UInt8]) -> Double? = { _, _ in nil }
    ) throws(GoldenError) {
        var header: (names: [String], columns: [GoldenColumn], line: Int)?
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
            guard let names = header?.names else {
                let names = fields.map { String(decoding: $0, as: UTF8.self) }
                featureCount = names.firstIndex { GoldenColumn($0) != nil } ?? names.count
                let columns = names[featureCount...].compactMap { GoldenColumn($0) }
                guard featureCount > 0, !columns.isEmpty, columns.count == names.count - featureCount else {
                    throw .malformed(line: number, "features, then margin, probability or prediction")
                }
                header = (names, columns, number)
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
        self.columns = header.columns
        self.headerLine = header.line
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
    func check(_ predictor: Predictor) throws(GoldenError) {
        guard featureCount == predictor.featureCount else {
            throw .wrongFeatureCount(golden: featureCount, model: predictor.featureCount)
        }
        for kind in GoldenColumn.Kind.allCases {
            let places = columns.indices.filter { columns[$0].kind == kind }
            guard !places.isEmpty else { continue }
            let width = kind == .margin ? predictor.marginCount : predictor.outputCount
            try checkColumns(places, kind, width: width)
            // As many numbers as the file itself holds.
            let answered = try answers(of: predictor, kind, 0..<lines.count, width: width)
            for (row, line) in lines.enumerated() {
                for place in places {
                    let expected = answers[row * columns.count + place]
                    let found = answered[row * width + (columns[place].index ?? 0)]
                    guard Self.isSame(found, expected) else {
                        throw .mismatch(
                            line: line, column: "\(columns[place])", expected: expected, answered: found)
                    }
                }
            }
            guard predictor.isGraph else { continue }
            // Kernels know no other row; what a graph does is its own affair until it is tried.
            for row in 0..<min(lines.count, Self.aloneCount) {
                let alone = try answers(of: predictor, kind, row..<row + 1, width: width)
                for place in 0..<width {
                    guard Self.isSame(alone[place], answered[row * width + place], within: Self.mixingTolerance) else {
                        throw .mixed(line: lines[row])
                    }
                }
            }
        }
    }

    /// Whether the columns of a kind are all that a row of the model has, each once: what is left out would be vouched for by
    /// nobody.
    private func checkColumns(_ places: [Int], _ kind: GoldenColumn.Kind, width: Int) throws(GoldenError) {
        let indices = places.map { columns[$0].index }
        if width == 1, indices == [nil] { return }
        let isComplete = places.count == width && indices.compactMap { $0 }.sorted() == Array(0..<width)
        guard isComplete else {
            let wanted = width == 1 ? "\(kind)" : "\(kind)[0] to \(kind)[\(width - 1)]"
            throw .malformed(line: headerLine, "the model has \(wanted), each of which has one column")
        }
    }

    /// Row-major, shape [range.count, width].
    private func answers(
        of predictor: Predictor, _ kind: GoldenColumn.Kind, _ range: Range<Int>, width: Int
    ) throws(GoldenError) -> [Double] {
        var answered = [Double](repeating: 0, count: range.count * width)
        let scratch = ScoringScratch()
        let asked = rows.span.extracting(range.lowerBound * featureCount..<range.upperBound * featureCount)
        var target = answered.mutableSpan
        do throws(GraphRunError) {
            if kind == .margin {
                try predictor.margins(asked, rowCount: range.count, into: &target, scratch: scratch)
            } else {
                try predictor.predict(asked, rowCount: range.count, into: &target, scratch: scratch)
            }
        } catch {
            throw .unanswered(error)
        }
        return answered
    }

    private static func isSame(
        _ answered: Double, _ expected: Double, within tolerance: Double = GoldenRequests.tolerance
    ) -> Bool {
        if answered.isNaN || expected.isNaN { return answered.isNaN && expected.isNaN }
        return abs(answered - expected) <= tolerance * max(1, abs(expected))
    }
}
