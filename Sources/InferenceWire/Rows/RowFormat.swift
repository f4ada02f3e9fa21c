import Names

/// The forms in which rows come and predictions go.
package enum RowFormat: Sendable, Equatable {
    case csv
    /// Of a request only: the first line names the columns.
    case csvWithHeader
    case json
    /// One JSON value a line.
    case jsonLines

    package var contentType: String {
        switch self {
        case .csv, .csvWithHeader: "text/csv; charset=utf-8"
        case .json: "application/json"
        case .jsonLines: "application/jsonlines"
        }
    }

    /// From a `Content-Type`. Of the parameters, `header=present` counts for CSV; others, such as `charset`, are passed over.
    /// Nil for any other type (415).
    ///
    /// Source: RFC 4180, section 3; "Common data formats for inference", Amazon SageMaker Developer Guide.
    package init?(contentType: some StringProtocol) {
        guard let format = Self(mediaType: Self.mediaType(contentType)) else { return nil }
        self = format == .csv && Self.hasHeader(String(contentType)) ? .csvWithHeader : format
    }

    private static func hasHeader(_ contentType: String) -> Bool {
        let ignored = [UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\"")]
        for parameter in contentType.pieces(at: ";").dropFirst() {
            let plain = parameter.utf8.filter { !ignored.contains($0) }
            if String(decoding: plain, as: UTF8.self).asciiLowercased() == "header=present" { return true }
        }
        return false
    }

    /// JSON lines go by many names; SageMaker's own is the first.
    private init?(mediaType: String) {
        switch mediaType {
        case "text/csv": self = .csv
        case "application/json": self = .json
        case "application/jsonlines", "application/x-jsonlines", "application/jsonl", "application/x-ndjson",
            "application/ndjson":
            self = .jsonLines
        default: return nil
        }
    }

    /// The form of the answer: the best that `Accept` names, or the form of the request where it leaves the choice.
    ///
    /// Source: RFC 9110, section 12.5.1.
    /// - Returns: nil when the header accepts no form (406).
    package static func answering(accept header: String?, request: RowFormat) -> RowFormat? {
        guard let header, !header.utf8.allSatisfy({ $0 == UInt8(ascii: " ") }) else { return request.answer }
        var best: (format: RowFormat, quality: Double)?
        for range in header.pieces(at: ",") {
            guard let format = format(forRange: mediaType(range), request: request.answer) else { continue }
            let quality = quality(range)
            if quality > 0, quality > best?.quality ?? 0 { best = (format, quality) }
        }
        return best?.format
    }

    /// The form of an answer of the same kind: a header line is not answered by one.
    package var answer: RowFormat { self == .csvWithHeader ? .csv : self }

    private static func format(forRange range: String, request: RowFormat) -> RowFormat? {
        switch range {
        case "*/*": request
        case "text/*": .csv
        case "application/*": request == .jsonLines ? .jsonLines : .json
        default: Self(mediaType: range)
        }
    }

    /// The type and subtype in lower case, without parameters.
    private static func mediaType(_ text: some StringProtocol) -> String {
        let type = text.bytePrefix(upTo: ";").utf8.filter { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
        return String(decoding: type, as: UTF8.self).asciiLowercased()
    }

    private static func quality(_ range: Substring) -> Double {
        for parameter in range.pieces(at: ";").dropFirst() {
            let plain = String(decoding: parameter.utf8.filter { $0 != UInt8(ascii: " ") }, as: UTF8.self)
            if plain.hasBytePrefix("q=") { return Double(plain.dropFirst(2)) ?? 0 }
        }
        return 1
    }
}
