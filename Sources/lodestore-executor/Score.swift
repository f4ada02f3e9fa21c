import ArgumentParser
import DurableFiles
import InferenceServer
import InferenceWire
import Launch
import ModelImage
import ModelTypes
import OnnxRuntimeKit
import Scoring

/// `lodestore-executor score`: predictions without a server, by the same reader, kernel and writer.
struct Score: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Scores a file of rows with a compiled image and prints one line a row.")

    @Argument(help: ArgumentHelp("The image, as lodestore-sidecar compile writes it.", valueName: "image"))
    var image: String

    @Argument(
        help: ArgumentHelp(
            "CSV, or JSON with --json-rows or --json-lines; an empty field is missing.", valueName: "rows"))
    var rows: String

    @Flag(help: "The rows are JSON.")
    var jsonRows = false

    @Flag(help: "The rows are JSON, one a line.")
    var jsonLines = false

    @Flag(help: "The first line of CSV names the columns.")
    var header = false

    @Option(
        help: ArgumentHelp(
            "ONNX Runtime's libonnxruntime.so, to run the graph of an image that has one; without it such models are refused.",
            valueName: "path"))
    var onnxRuntime: String?

    func run() async throws {
        try await ProgramRun.reporting(program: "lodestore-executor") {
            let runtime = try GraphLibrary.opened(onnxRuntime)
            let output = try score(
                image: try SystemDisk().read(image, limitBytes: 4 << 30),
                rows: try SystemDisk().read(rows, limitBytes: 4 << 30), runtime: runtime)
            print(String(decoding: output, as: UTF8.self), terminator: "")
        }
    }

    private func score(image: [UInt8], rows: [UInt8], runtime: OnnxRuntime?) throws -> [UInt8] {
        // Images are laid out for 64-byte lines, which an array does not promise.
        let aligned = UnsafeMutableRawBufferPointer.allocate(byteCount: max(image.count, 1), alignment: 4096)
        defer { unsafe aligned.deallocate() }
        unsafe aligned.copyBytes(from: image)
        let view = try unsafe ModelImageView(validating: UnsafeRawBufferPointer(rebasing: aligned[..<image.count]))
        let predictor = try Predictor(view, runtime: runtime)
        return switch view.inputType {
        case .float32:
            try score(rows, view, RowBuffer<Float>()) {
                try predictor.predict($0, rowCount: $1, into: &$2, scratch: ScoringScratch())
            }
        case .float64:
            try score(rows, view, RowBuffer<Double>()) {
                try predictor.predict($0, rowCount: $1, into: &$2, scratch: ScoringScratch())
            }
        }
    }

    private func score<Number: RowNumber>(
        _ text: [UInt8], _ view: ModelImageView, _ empty: RowBuffer<Number>,
        predict: (Span<Number>, Int, inout MutableSpan<Double>) throws -> Void
    ) throws -> [UInt8] {
        let format: RowFormat = jsonRows ? .json : jsonLines ? .jsonLines : header ? .csvWithHeader : .csv
        let schema = RowSchema(
            featureCount: view.featureCount, featureNames: view.featureNames(), texts: ImageTexts(view))
        var buffer = empty
        try unsafe text.withUnsafeBytes { bytes in
            try unsafe buffer.read(
                bytes, as: format, schema: schema,
                limits: RowLimits(rowCount: Int(Int32.max), cellCount: .max))
        }
        var predictions = [Double](repeating: 0, count: buffer.rowCount * view.outputCount)
        var target = predictions.mutableSpan
        try predict(buffer.values.span, buffer.rowCount, &target)
        var output: [UInt8] = []
        PredictionWriter.append(predictions.span, outputCount: view.outputCount, as: .csv, to: &output)
        return output
    }
}
