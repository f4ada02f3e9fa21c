import Names
import S3Types

extension S3Error {
    /// What of a request is not served.
    package enum RequestPart: String, Sendable {
        case header = "Header"
        case parameter = "Parameter"
        case element = "Element"
        case method = "Method"
    }

    /// No longer name is repeated to a client or in a log.
    private static let nameLimitBytes = 100

    /// NotImplemented, with the name of what asks for it. S3 says the same without the name.
    ///
    /// - Parameters:
    ///   - value: where it is the value that asks for it and another would be served.
    ///   - reason: a sentence more.
    package static func notServed(
        _ part: RequestPart, _ name: String, value: String? = nil, reason: String? = nil
    ) -> S3Error {
        let name = shown(name)
        let article = part == .element ? "An" : "A"
        var message =
            "\(article) \(part.rawValue.asciiLowercased()) you provided implies functionality that is not implemented: \(name)"
        if let value { message += ": \(shown(value))" }
        if let reason { message += ". \(reason)" }
        return S3Error(.notImplemented, message, details: [(part.rawValue, name)])
    }

    /// What of the request was refused, for the log: `header x-amz-tagging`. Nil where the refusal is of no part of it.
    package var refusedPart: String? {
        for detail in details {
            if let part = RequestPart(rawValue: detail.name) {
                return "\(part.rawValue.asciiLowercased()) \(detail.value)"
            }
            if detail.name == "ArgumentName" { return "argument \(detail.value)" }
        }
        return nil
    }

    /// Printable and short, whatever a client sent.
    private static func shown(_ name: String) -> String {
        var encoded: [UInt8] = []
        for byte in name.utf8.prefix(nameLimitBytes) {
            if byte > 0x20 && byte < 0x7F {
                encoded.append(byte)
            } else {
                PercentEncoding.encode([byte], keepsSlash: false, into: &encoded)
            }
        }
        return String(decoding: encoded, as: UTF8.self) + (name.utf8.count > nameLimitBytes ? "…" : "")
    }
}
