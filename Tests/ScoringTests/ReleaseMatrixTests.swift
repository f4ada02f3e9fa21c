import Foundation
import ModelFormat
import ModelImage
import ModelTypes
import Scoring
import Testing

/// Every model of every release scores as that release scores it, or is of a kind that is refused by name.
@Suite(.timeLimit(.minutes(3))) struct ReleaseMatrixTests {
    /// Kinds that are not served, by beginnings of releases and ends of cases: what their refusal says. The last are those that
    /// the library's own releases answer differently.
    private static let refused: [(releases: [String], case: String, message: String)] = [
        (["xgboost"], "vector-leaf", "trees with a vector in each leaf"),
        (["lightgbm"], "l2-linear", "linear models in leaves"),
        (["xgboost"], "expectileerror-several", "objective reg:expectileerror with several outputs"),
        (["xgboost-0"], "binary-hinge", "objective binary:hinge of this version"),
        (["xgboost-1.0", "xgboost-1.1", "xgboost-1.2"], "binary-logitraw", "objective binary:logitraw of this"),
        (["lightgbm-2.0.2", "lightgbm-2.0.7"], "", "a text without version, as early releases wrote"),
        (["lightgbm-2.0", "lightgbm-2.1", "lightgbm-2.2"], "rf-binary", "a random forest in a text of version v2"),
        (["lightgbm-2.0", "lightgbm-2.1", "lightgbm-2.2"], "rf-poisson", "a random forest in a text of version v2"),
        (["lightgbm-2.0", "lightgbm-2.1", "lightgbm-2.2"], "rf-multiclass", "a random forest in a text of version v2"),
    ]

    @Test func theMatrixHasAllReleases() {
        let counts = ["xgboost", "lightgbm", "catboost"].map { library in
            ReleaseMatrix.releases.count { $0.hasPrefix(library + "-") }
        }
        #expect(counts == [17, 19, 6])
    }

    @Test(arguments: ReleaseMatrix.releases)
    func modelsScoreAsTheirReleaseScoresThem(release: String) throws {
        let matrix = try ReleaseMatrix(release: release)
        #expect(matrix.files.count > 15)
        for file in matrix.files where !file.isUnread {
            do {
                let model = try ModelParser.parse(file.bytes.span)
                #expect(Self.refusal(of: file) == nil, "\(file.path) is served")
                try check(model, file, rows: matrix.rows)
            } catch let error as ModelFormatError {
                let isExpected = Self.refusal(of: file).map { error.description.hasPrefix($0) } ?? false
                #expect(isExpected, "\(file.path): \(error)")
            }
        }
    }

    /// Release 3.4 calls a dart booster gbtree and has its weights beside the trees; without them every row would score otherwise.
    @Test func theWeightsOfDartBoostersAreApplied() throws {
        let matrix = try ReleaseMatrix(release: "xgboost-3.4.1")
        let file = try #require(matrix.files.first { $0.path.hasSuffix("dart-reg-squarederror/model.json") })
        let text = String(decoding: file.bytes, as: UTF8.self)
        #expect(text.contains(#""name":"gbtree""#) && text.contains(#""weight_drop":["#))
        try check(ModelParser.parse(file.bytes.span), file, rows: matrix.rows)
    }

    private static func refusal(of file: ReleaseMatrix.File) -> String? {
        let parts = file.path.split(separator: "/")
        let kind = refused.first { kind in
            kind.releases.contains { parts[0].hasPrefix($0) } && parts[1].hasSuffix(kind.case)
        }
        return kind.map { "not supported: " + $0.message }
    }

    /// Margins to the bit, except where a release added in another order than those after it: up to XGBoost 1.2 the base score came
    /// last, and in 1.3 a dart booster did as well.
    private func check(_ model: ModelDescription, _ file: ReleaseMatrix.File, rows: [[String]]) throws {
        let image = try LoadedImage(model)
        try #require(image.scorer.featureCount == 6, "\(file.path)")
        let isOfTexts = model.computedTextColumns
        let features = rows.flatMap { row in
            row.enumerated().map { column, field -> Double in
                guard isOfTexts.contains(column) else { return Double(field) ?? .nan }
                let text = Double(field).map { "\(Int($0))" } ?? ""
                return CategoryHash.number(CategoryHash.category(text))
            }
        }
        let rows32 = features.map { Float($0) }
        let isFloat = image.view.inputType == .float32
        let count = rows.count
        let margins = isFloat ? image.margins(rows32, rowCount: count) : image.margins(features, rowCount: count)
        let outputs =
            isFloat ? image.predictions(rows32, rowCount: count) : image.predictions(features, rowCount: count)
        let addsBaseLast = ["0.8", "0.9", "1.0", "1.1", "1.2", "1.3.3/dart"].contains {
            file.path.hasPrefix("xgboost-\($0)")
        }
        expectSame(margins, file.answers.margins, within: addsBaseLast ? 1e-6 : 0, "margins of \(file.path)")
        let tolerance = isFloat && !file.path.hasPrefix("catboost") ? 2e-6 : 1e-15
        expectSame(outputs, file.answers.predictions, within: tolerance, "predictions of \(file.path)")
    }

    private func expectSame(_ ours: [Double], _ theirs: [Double], within tolerance: Double, _ what: String) {
        #expect(ours.count == theirs.count, "\(what)")
        let wrong = zip(ours, theirs).filter {
            $0 != $1 && !($0.isNaN && $1.isNaN) && !(abs($0 - $1) <= tolerance * max(1, abs($1)))
        }
        #expect(wrong.isEmpty, "\(what): \(wrong.count) differ, first \(String(describing: wrong.first))")
    }
}

extension ModelDescription {
    fileprivate var computedTextColumns: Set<Int> {
        guard case .forest(let forest) = predictor else { return [] }
        return Set(forest.computed.textColumns.map { Int($0) })
    }
}
