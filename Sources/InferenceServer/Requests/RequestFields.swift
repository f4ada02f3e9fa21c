import HTTPKernel
import InferenceWire

/// The fields that choose a request's model and formats, found in one pass over the head.
///
/// The values that clients send nearly always are recognised in place; only others become text.
struct RequestFields {
    /// `X-Amzn-SageMaker-Target-Model`.
    private(set) var targetModel: String?
    /// `x-lodestore-deadline-ms`: how long the client still waits.
    private(set) var patience = Patience.unlimited
    static let malformedPatience = "x-lodestore-deadline-ms is not a number of milliseconds"
    /// `Content-Encoding`, where it says that the body is not as it is.
    private(set) var contentCoding: String?
    private var contentType = Value.absent
    private var accept = Value.absent

    private enum Value {
        case absent
        case csv
        case json
        case jsonLines
        /// `*/*`
        case any
        case other(String)
    }

    init(_ head: RequestHead) {
        head.forEachField { name, value in
            switch name.byteCount {
            case 6 where ASCII.equalsIgnoringCase(name, lowercase: "accept"):
                if case .absent = accept { accept = Self.value(value) }
            case 12 where ASCII.equalsIgnoringCase(name, lowercase: "content-type"):
                if case .absent = contentType { contentType = Self.value(value) }
            case 16 where ASCII.equalsIgnoringCase(name, lowercase: "content-encoding"):
                if value.byteCount > 0, !ASCII.equalsIgnoringCase(value, lowercase: "identity") {
                    contentCoding = Self.text(value)
                }
            case 23 where ASCII.equalsIgnoringCase(name, lowercase: "x-lodestore-deadline-ms"):
                patience = Patience(milliseconds: value)
            case 29 where ASCII.equalsIgnoringCase(name, lowercase: "x-amzn-sagemaker-target-model"):
                if targetModel == nil { targetModel = Self.text(value) }
            default: break
            }
        }
    }

    /// The form of the rows: CSV where nothing is said; nil for one that is not read (415).
    var rowFormat: RowFormat? {
        switch contentType {
        case .absent, .csv: .csv
        case .json: .json
        case .jsonLines: .jsonLines
        case .any: nil
        case .other(let text): RowFormat(contentType: text)
        }
    }

    /// The form of the answer; nil when none is accepted (406).
    func answerFormat(to rows: RowFormat) -> RowFormat? {
        switch accept {
        case .absent, .any: rows.answer
        case .csv: .csv
        case .json: .json
        case .jsonLines: .jsonLines
        case .other(let text): RowFormat.answering(accept: text, request: rows)
        }
    }

    private static func value(_ bytes: RawSpan) -> Value {
        if ASCII.equalsIgnoringCase(bytes, lowercase: "text/csv") { return .csv }
        if ASCII.equalsIgnoringCase(bytes, lowercase: "application/json") { return .json }
        if ASCII.equalsIgnoringCase(bytes, lowercase: "*/*") { return .any }
        if ASCII.equalsIgnoringCase(bytes, lowercase: "application/jsonlines") { return .jsonLines }
        return .other(text(bytes))
    }

    private static func text(_ bytes: RawSpan) -> String {
        unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
