import Foundation
import ModelFormat
import ModelImage
import ModelTypes
import Scoring
import Testing

/// Every ONNX model of Data/ on 10,000 rows: trees whose sums are their answers to the bit, what ends in a transform and networks
/// within the tolerances of ``ONNXModelTests``.
@Suite(.timeLimit(.minutes(3))) struct ONNXWideTests {
    private static let root = dataFolder + "/Vectors/Models"

    private static let folders: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return names.filter {
            $0.hasPrefix("onnx-") && FileManager.default.fileExists(atPath: "\(root)/\($0)/wide.txt")
        }.sorted()
    }()

    @Test func everyModelIsThere() { #expect(Self.folders.count == 29) }

    @Test(arguments: folders) func predictionsAreThoseOfONNXRuntime(folder: String) throws {
        let folder = "\(Self.root)/\(folder)"
        let model = try parsed(folder + "/model.onnx")
        let wide = try WideRows(folder + "/wide.txt", featureCount: model.featureCount)
        let rows = wide.features.map { Float($0) }
        let expected = try wide.digests.isEmpty ? Self.numbers(folder + "/wide.f32") : []
        for kernels in KernelSet.allCases {
            let image = try LoadedImage(model, kernels: kernels)
            let found = image.predictions(rows, rowCount: WideRows.rowCount)
            if expected.isEmpty {
                try #require(wide.digests.count == 20)
                #expect(WideRows.digests(found) == wide.digests, "\(kernels)")
            } else {
                let width = image.scorer.outputCount
                let faults = Self.faults(found, expected, width, model)
                let (worst, many) = (faults.max() ?? 0, faults.count { $0 > 1 })
                print("\(folder.split(separator: "/").last!) \(kernels): worst \(worst), \(many) rows above 1")
                // A few sums of a network nearly cancel and keep fewer digits, whoever adds them up.
                let isForest = if case .forest = model.predictor { true } else { false }
                #expect(worst <= (isForest ? 1 : 10) && many <= (isForest ? 0 : 20), "\(kernels)")
            }
        }
    }

    /// One number for each row: of output (row mod outputs).
    private static func numbers(_ path: String) throws -> [Double] {
        let data = try Data(contentsOf: URL(filePath: path))
        try #require(data.count == WideRows.rowCount * 4)
        return data.withUnsafeBytes { bytes in
            (0..<WideRows.rowCount).map {
                Double(
                    Float(
                        bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self))))
            }
        }
    }

    /// The difference in each row, in units of what ``ONNXModelTests`` tolerates.
    private static func faults(
        _ found: [Double], _ expected: [Double], _ width: Int, _ model: ModelDescription
    ) -> [Double] {
        let isForest = if case .forest = model.predictor { true } else { false }
        let (relative, absolute) = isForest ? (3e-7, 1e-7) : (2e-6, 1e-6)
        return (0..<WideRows.rowCount).map { row in
            let (here, there) = (found[row * width + row % width], expected[row])
            if here == there || here.isNaN && there.isNaN { return 0 }
            let error = abs(here - there) / max(absolute, relative * abs(there))
            return error.isNaN ? .infinity : error
        }
    }
}
