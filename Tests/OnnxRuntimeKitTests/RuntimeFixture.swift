import Foundation
import JSONReader
import ModelTypes
import OnnxRuntimeKit
import Testing

/// Where ONNX Runtime's library is, which is not part of this repository. `Scripts/test` always says it.
let libraryPath = ProcessInfo.processInfo.environment["LODESTORE_ONNX_RUNTIME"]

let withoutLibrary: Comment = "LODESTORE_ONNX_RUNTIME is not set: it is the path of libonnxruntime.so"

/// One for all tests, as a program has one.
func runtime() throws -> OnnxRuntime { try shared.get() }

private let shared = Result { try OnnxRuntime(path: libraryPath ?? "") }

func graphFile(_ path: String) throws -> [UInt8] {
    let folder = (#filePath as NSString).deletingLastPathComponent + "/../../Data/Vectors/Graphs/"
    return Array(try Data(contentsOf: URL(fileURLWithPath: folder + path)))
}

func session(_ bytes: [UInt8]) throws -> any GraphSession {
    let runtime = try runtime()
    let result = bytes.withUnsafeBytes { bytes -> Result<any GraphSession, GraphRuntimeError> in
        do throws(GraphRuntimeError) {
            return .success(try runtime.session(of: bytes))
        } catch { return .failure(error) }
    }
    return try result.get()
}

func predictions(_ session: any GraphSession, _ rows: [Double], rowCount: Int) throws -> [Double] {
    var result = [Double](repeating: .nan, count: rowCount * session.interface.outputCount)
    var span = result.mutableSpan
    try session.run(rows.span, rowCount: rowCount, into: &span)
    return result
}

func predictions(_ session: any GraphSession, _ rows: [Float], rowCount: Int) throws -> [Double] {
    var result = [Double](repeating: .nan, count: rowCount * session.interface.outputCount)
    var span = result.mutableSpan
    try session.run(rows.span, rowCount: rowCount, into: &span)
    return result
}

/// Rows and what ONNX Runtime answers for them one by one: `golden.csv` beside a graph.
struct GraphRows {
    let rowCount: Int
    let features: [Double]
    let predictions: [Double]

    init(_ name: String) throws {
        let text = String(decoding: try graphFile("\(name)/golden.csv"), as: UTF8.self)
        let lines = text.split(separator: "\n")
        let width = try #require(lines[0].split(separator: ",").firstIndex(of: "prediction"))
        var (features, predictions): ([Double], [Double]) = ([], [])
        for line in lines.dropFirst() {
            let fields = line.split(separator: ",").map { NumberText.double(Array($0.utf8).span) }
            let numbers = try fields.map { try #require($0) }
            features += numbers[..<width]
            predictions += numbers[width...]
        }
        rowCount = lines.count - 1
        (self.features, self.predictions) = (features, predictions)
    }
}
