import JSONReader
import ModelTypes
import Scoring

/// The golden requests of a bundle: rows, and what the reference library answered for them.
///
/// `golden.csv`, as `Docs/Formats/bundle.md` has it: lines that begin with `#` are comments; the first other line names the
/// features and then `margin`, `probability` or `prediction`, numbered where a row has several; every further line is a request. An
/// empty field is missing. Fields of a feature with an encoder, or of categories, are texts, in quotation marks where they hold a
/// comma or a quotation mark.
struct GoldenRequests {
    /// More is refused while the archive is unpacked.
    static let limitBytes: UInt64 = 64 << 20
    static let rowLimitCount = 100_000
    /// A model has at most a million features.
    static let columnLimitCount = (1 << 20) + 8192
    /// Features and answers of all requests together.
    static let valueLimitCount = 1 << 23
    /// How long a model may take for all of them.
    static let patience: Duration = .seconds(120)
    /// Requests that are asked at once, at most.
    private static let sliceCount = 1024
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
        var reader = GoldenReader(bytes)
        guard try reader.beginLine() else { throw .malformed(line: reader.line, "no requests") }
        let headerLine = reader.line
        var names: [String] = []
        while try reader.readField() {
            guard names.count < Self.columnLimitCount else {
                throw .malformed(line: headerLine, "more than \(Self.columnLimitCount) columns")
            }
            names.append(String(decoding: reader.field, as: UTF8.self))
        }
        let featureCount = names.firstIndex { GoldenColumn($0) != nil } ?? names.count
        let columns = names[featureCount...].compactMap { GoldenColumn($0) }
        guard featureCount > 0, !columns.isEmpty, columns.count == names.count - featureCount else {
            throw .malformed(line: headerLine, "features, then margin, probability or prediction")
        }
        var rows: [Double] = []
        var answers: [Double] = []
        var lines: [Int] = []
        while try reader.beginLine() {
            let line = reader.line
            guard lines.count < Self.rowLimitCount, (lines.count + 1) * names.count <= Self.valueLimitCount else {
                throw .malformed(line: line, "too many requests")
            }
            var index = 0
            while try reader.readField() {
                guard index < names.count else { throw .malformed(line: line, "more than \(names.count) fields") }
                let isFeature = index < featureCount
                if isFeature, reader.field.isEmpty {
                    rows.append(.nan)
                } else if isFeature, let encoded = encode(index, reader.field) {
                    rows.append(encoded)
                } else if let value = NumberText.double(reader.field.span) {
                    if isFeature { rows.append(value) } else { answers.append(value) }
                } else {
                    throw .malformed(line: line, "\(names[index]) is no number")
                }
                index += 1
            }
            guard index == names.count else { throw .malformed(line: line, "\(index) fields") }
            lines.append(line)
        }
        guard !lines.isEmpty else { throw .malformed(line: reader.line, "no requests") }
        self.featureCount = featureCount
        self.columns = columns
        self.headerLine = headerLine
        self.rows = rows
        self.answers = answers
        self.lines = lines
    }

    /// Asks the model every request.
    ///
    /// - Parameter patience: how long it may take; a slow model must not hold up others for ever.
    /// - Throws: ``GoldenError/wrongFeatureCount(golden:model:)``, the first
    ///   ``GoldenError/mismatch(line:column:expected:answered:)``, or ``GoldenError/tooSlow(line:patience:)``.
    func check(_ predictor: Predictor, patience: Duration = GoldenRequests.patience) throws(GoldenError) {
        guard featureCount == predictor.featureCount else {
            throw .wrongFeatureCount(golden: featureCount, model: predictor.featureCount)
        }
        let end = ContinuousClock.now + patience
        for kind in GoldenColumn.Kind.allCases {
            let places = columns.indices.filter { columns[$0].kind == kind }
            guard !places.isEmpty else { continue }
            let width = kind == .margin ? predictor.marginCount : predictor.outputCount
            try checkColumns(places, kind, width: width)
            var start = 0
            // Kernels know no other row, and how long one takes is seen soonest from one.
            var count = predictor.isGraph ? Self.sliceCount : 1
            while start < lines.count {
                guard ContinuousClock.now < end else { throw .tooSlow(line: lines[start], patience: patience) }
                let slice = start..<min(start + count, lines.count)
                // As many numbers as the file itself holds of these requests.
                let answered = try answers(of: predictor, kind, slice, width: width)
                for row in slice {
                    for place in places {
                        let expected = answers[row * columns.count + place]
                        let found = answered[(row - start) * width + (columns[place].index ?? 0)]
                        guard Self.isSame(found, expected) else {
                            throw .mismatch(
                                line: lines[row], column: "\(columns[place])", expected: expected, answered: found)
                        }
                    }
                }
                if predictor.isGraph { try checkAlone(slice, answered, predictor, kind, width: width, end: end) }
                start = slice.upperBound
                count = min(count * 2, Self.sliceCount)
            }
        }
    }

    /// Kernels know no other row; what a graph does is its own affair until it is tried.
    private func checkAlone(
        _ slice: Range<Int>, _ answered: [Double], _ predictor: Predictor, _ kind: GoldenColumn.Kind, width: Int,
        end: ContinuousClock.Instant
    ) throws(GoldenError) {
        for row in slice where row < Self.aloneCount {
            guard ContinuousClock.now < end else { throw .tooSlow(line: lines[row], patience: Self.patience) }
            let alone = try answers(of: predictor, kind, row..<row + 1, width: width)
            for place in 0..<width {
                let among = answered[(row - slice.lowerBound) * width + place]
                guard Self.isSame(alone[place], among, within: Self.mixingTolerance) else {
                    throw .mixed(line: lines[row])
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
