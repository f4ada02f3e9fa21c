import Foundation
import Testing

@testable import InferenceWire

/// One of the requests in Data/Vectors/OpenInference.
struct RecordedRequest: CustomTestStringConvertible {
    let name: String
    let jsonByteCount: Int?
    let rowCount: Int
    let values: [Double]
    let body: [UInt8]
    let message: [UInt8]

    var testDescription: String { name }

    static let all: [RecordedRequest] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../../Data/Vectors/OpenInference/requests.txt")
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { return [] }
        return text.split(separator: "\n").map { line in
            let fields = line.split(separator: "\t").map(String.init)
            return RecordedRequest(
                name: fields[0], jsonByteCount: Int(fields[1]), rowCount: Int(fields[2])!,
                values: fields[3].split(separator: " ").map { Double($0)! }, body: bytes(fields[4]),
                message: bytes(fields[5]))
        }
    }()

    private static func bytes(_ text: String) -> [UInt8] {
        guard text != "-" else { return [] }
        let digits = Array(text)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0...($0 + 1)]), radix: 16)! }
    }
}

extension ModelSignature {
    /// The model of the recorded requests.
    static func sample(
        outputCount: Int = 1, isDouble: Bool = false, classLabels: [String] = []
    ) -> ModelSignature {
        ModelSignature(
            name: "m", version: "7", sourceFormat: "xgboost-json",
            schema: RowSchema(featureCount: 3, featureNames: ["age", "price", "größe"]), outputCount: outputCount,
            classLabels: classLabels, isInputDouble: isDouble, isOutputDouble: isDouble)
    }

    static func plain(_ schema: RowSchema) -> ModelSignature {
        ModelSignature(
            name: "m", version: "7", sourceFormat: "lightgbm-text", schema: schema, outputCount: 1,
            isInputDouble: false, isOutputDouble: false)
    }

    /// A model whose features of these numbers take texts: "a" to "z" are 0 to 25, the empty one is missing, and what begins with an
    /// exclamation mark is refused; any other is -1.
    ///
    /// - Parameter readsIntegers: integers of these features are texts as well.
    static func encoded(_ features: [Int], readsIntegers: Bool = false) -> ModelSignature {
        plain(
            RowSchema(
                featureCount: 3, featureNames: ["age", "site", "device"],
                texts: Letters(features: features, readsIntegers: readsIntegers)))
    }

    private struct Letters: FeatureTexts {
        let features: [Int]
        let readsIntegers: Bool

        func isEncoded(_ feature: Int) -> Bool { features.contains(feature) }
        func readsIntegers(_ feature: Int) -> Bool { readsIntegers }

        func number(of text: UnsafeBufferPointer<UInt8>, feature: Int) -> Double? {
            guard let first = text.first else { return .nan }
            if first == UInt8(ascii: "!") { return nil }
            let isLetter = text.count == 1 && (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first)
            return isLetter ? Double(first - UInt8(ascii: "a")) : -1
        }
    }

    static func plain(featureCount: Int) -> ModelSignature {
        plain(RowSchema(featureCount: featureCount))
    }
}

/// Reads a REST body.
func readREST<Number: RowNumber>(
    _ body: [UInt8], jsonByteCount: Int? = nil, _ signature: ModelSignature = .sample(), limitRows: Int = 100,
    into rows: inout RowBuffer<Number>
) throws -> TensorRequest {
    var scratch = TensorScratch()
    return try body.withUnsafeBytes { bytes in
        try rows.readInference(
            bytes, jsonByteCount: jsonByteCount, signature: signature, limitRows: limitRows, scratch: &scratch)
    }
}

/// Reads a `ModelInferRequest`.
func readMessage<Number: RowNumber>(
    _ message: [UInt8], _ signature: ModelSignature = .sample(), limitRows: Int = 100,
    into rows: inout RowBuffer<Number>
) throws -> TensorRequest {
    var scratch = TensorScratch()
    return try message.withUnsafeBytes { bytes in
        try rows.readInference(message: bytes, signature: signature, limitRows: limitRows, scratch: &scratch)
    }
}

/// Equal, with NaN equal to NaN.
func same(_ left: [Double], _ right: [Double]) -> Bool {
    left.count == right.count && zip(left, right).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) }
}
