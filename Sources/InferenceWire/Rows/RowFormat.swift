/// The two forms in which rows come and predictions go.
package enum RowFormat: Sendable, Equatable {
    case csv
    case json

    package var contentType: String {
        switch self {
        case .csv: "text/csv; charset=utf-8"
        case .json: "application/json"
        }
    }

    /// From a `Content-Type`; parameters such as `charset` are passed over. Nil for any other type (415).
    package init?(contentType: some StringProtocol) {
        switch Self.mediaType(contentType) {
        case "text/csv": self = .csv
        case "application/json": self = .json
        default: return nil
        }
    }

    /// The form of the answer: the best that `Accept` names, or the form of the request where it leaves the choice.
    ///
    /// Source: RFC 9110, section 12.5.1.
    /// - Returns: nil when the header accepts neither form (406).
    package static func answering(accept header: String?, request: RowFormat) -> RowFormat? {
        guard let header, !header.allSatisfy({ $0 == " " }) else { return request }
        var best: (format: RowFormat, quality: Double)?
        for range in header.split(separator: ",") {
            guard let format = format(forRange: mediaType(range), request: request) else { continue }
            let quality = quality(range)
            if quality > 0, quality > best?.quality ?? 0 { best = (format, quality) }
        }
        return best?.format
    }

    private static func format(forRange range: String, request: RowFormat) -> RowFormat? {
        switch range {
        case "*/*": request
        case "text/csv", "text/*": .csv
        case "application/json", "application/*": .json
        default: nil
        }
    }

    /// The type and subtype in lower case, without parameters.
    private static func mediaType(_ text: some StringProtocol) -> String {
        let type = text.prefix { $0 != ";" }
        return String(type.filter { $0 != " " && $0 != "\t" }).lowercased()
    }

    private static func quality(_ range: Substring) -> Double {
        for parameter in range.split(separator: ";").dropFirst() {
            let plain = parameter.filter { $0 != " " }
            if plain.hasPrefix("q=") { return Double(plain.dropFirst(2)) ?? 0 }
        }
        return 1
    }
}
