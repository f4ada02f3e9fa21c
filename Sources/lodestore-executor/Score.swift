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
        abstract: "Scores a file of rows with a compiled image and prints one line a row.",
        discussion: """
            Rows are read, scored and printed in blocks, so that a file may be larger than memory; /dev/stdin will do. A row \
            that cannot be read ends the work with its number and exit code 1; the predictions of all rows before it are \
            printed by then. The document of --json-rows, of 1 GiB at most, is the exception: it is read whole, and nothing is \
            printed of one that is broken. Output that cannot be written, as on a full disk, is exit code 74.
            """)

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

    func validate() throws {
        guard [jsonRows, jsonLines, header].count(where: { $0 }) <= 1 else {
            throw ValidationError("give one of --json-rows, --json-lines and --header: they are forms of their own")
        }
    }

    func run() async throws {
        try await ProgramRun.reporting(program: "lodestore-executor") {
            let runtime = try GraphLibrary.opened(onnxRuntime)
            try ImageFile(image).withView { view in
                let predictor = try Predictor(view, runtime: runtime)
                switch view.inputType {
                case .float32:
                    try score(view, as: Float.self) {
                        try predictor.predict($0, rowCount: $1, into: &$2, scratch: ScoringScratch())
                    }
                case .float64:
                    try score(view, as: Double.self) {
                        try predictor.predict($0, rowCount: $1, into: &$2, scratch: ScoringScratch())
                    }
                }
            }
            try StandardOutput.close()
        }
    }

    private var format: RowFormat { jsonRows ? .json : jsonLines ? .jsonLines : header ? .csvWithHeader : .csv }

    private func score<Number: RowNumber>(
        _ view: ModelImageView, as type: Number.Type,
        predict: (Span<Number>, Int, inout MutableSpan<Double>) throws -> Void
    ) throws {
        let schema = RowSchema(
            featureCount: view.featureCount, featureNames: view.featureNames(), texts: ImageTexts(view))
        var stream = RowStream<Number>(
            format: format, schema: schema, limitBytes: format == .json ? 1 << 30 : 64 << 20)
        let file = try InputFile(rows)
        var progress = ProgressBar(totalCount: file.byteCount)
        defer { progress?.hide() }
        var piece = [UInt8](repeating: 0, count: 256 << 10)
        var readBytes = 0
        var isAtEnd = false
        while !isAtEnd {
            let count = try file.read(into: &piece)
            isAtEnd = count == 0
            readBytes += count
            stream.append(piece[..<count])
            while try next(&stream, isAtEnd: isAtEnd) {
                let output = try predictions(stream.rows, view, predict)
                // Both are then on one screen.
                if StandardOutput.isTerminal { progress?.hide() }
                try StandardOutput.write(output)
            }
            progress?.show(doneCount: readBytes, note: "\(stream.rowCount) rows")
        }
    }

    private func next<Number: RowNumber>(_ stream: inout RowStream<Number>, isAtEnd: Bool) throws -> Bool {
        do throws(RowStreamError) {
            return try stream.next(isAtEnd: isAtEnd)
        } catch {
            throw ScoreError.rows(path: rows, cause: error)
        }
    }

    /// Some thousand rows at once: a document may have many more than there should be predictions in memory.
    private func predictions<Number: RowNumber>(
        _ rows: RowBuffer<Number>, _ view: ModelImageView,
        _ predict: (Span<Number>, Int, inout MutableSpan<Double>) throws -> Void
    ) throws -> [UInt8] {
        var output: [UInt8] = []
        var predictions: [Double] = []
        for first in stride(from: 0, to: rows.rowCount, by: 4096) {
            let count = min(4096, rows.rowCount - first)
            predictions = [Double](repeating: 0, count: count * view.outputCount)
            var target = predictions.mutableSpan
            let start = first * view.featureCount
            try predict(rows.values.span.extracting(start..<start + count * view.featureCount), count, &target)
            PredictionWriter.append(predictions.span, outputCount: view.outputCount, as: .csv, to: &output)
        }
        return output
    }
}
