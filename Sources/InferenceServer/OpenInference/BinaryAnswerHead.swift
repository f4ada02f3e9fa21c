import HTTPKernel
import NIOHTTP1

/// The head of an answer whose JSON of so many bytes is followed by binary tensors.
struct BinaryAnswerHead {
    let jsonByteCount: Int
    let head: ResponseHead

    /// - Parameter fields: the generation's own.
    init(_ fields: [(String, String)], jsonByteCount: Int) {
        self.jsonByteCount = jsonByteCount
        self.head = ResponseHead(
            .ok,
            [
                ("content-type", "application/octet-stream"),
                ("inference-header-content-length", "\(jsonByteCount)"),
            ] + fields)
    }
}
