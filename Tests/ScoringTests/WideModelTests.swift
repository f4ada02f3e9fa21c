import Foundation
import ModelImage
import ModelTypes
import Scoring
import Testing

/// Every tree and linear model of Data/ on 10,000 rows, with missing, extreme and denormal numbers: margins to the bit. ONNX's are in
/// ``ONNXWideTests``.
@Suite(.timeLimit(.minutes(3))) struct WideModelTests {
    private static let modelFiles = ["model.cbm", "model.txt", "model.bin", "model.ubj", "model.json"]

    /// The folders with digests: all formats, whose other files are the same model by the golden tests.
    private static let folders: [String] = {
        let root = dataFolder + "/Vectors/Models"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return names.filter {
            !$0.hasPrefix("fm-") && !$0.hasPrefix("onnx-")
                && FileManager.default.fileExists(atPath: "\(root)/\($0)/wide.txt")
        }.sorted()
    }()

    @Test func everyFormatIsThere() {
        #expect(Self.folders.count { $0.hasPrefix("xgboost-") } == 10)
        #expect(Self.folders.count { $0.hasPrefix("old-") } == 5)
        #expect(Self.folders.count { $0.hasPrefix("lightgbm-") } == 12)
        #expect(Self.folders.count { $0.hasPrefix("catboost-") } == 19)
    }

    @Test(arguments: folders) func marginsAreTheLibrarysToTheBit(folder: String) throws {
        let root = "\(dataFolder)/Vectors/Models/\(folder)"
        let file = try #require(Self.modelFiles.first { FileManager.default.fileExists(atPath: "\(root)/\($0)") })
        let model = try parsed("\(root)/\(file)")
        let wide = try WideRows(root + "/wide.txt", featureCount: model.featureCount)
        try #require(wide.digests.count == 20)
        let rows32 = wide.features.map { Float($0) }
        for kernels in KernelSet.allCases {
            let image = try LoadedImage(model, kernels: kernels)
            let margins =
                image.view.inputType == .float32
                ? image.margins(rows32, rowCount: WideRows.rowCount)
                : image.margins(wide.features, rowCount: WideRows.rowCount)
            #expect(WideRows.digests(margins) == wide.digests, "\(kernels)")
        }
    }
}
