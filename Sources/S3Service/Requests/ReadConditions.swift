import Names
import ObjectEngine
import S3Types
import S3Wire

/// The conditions of a read, or of the source of a copy.
///
/// Source: RFC 9110, section 13.2.2, with S3's choice that a date that does not parse is ignored.
struct ReadConditions {
    private let ifMatch: ETagCondition?
    private let ifNoneMatch: ETagCondition?
    private let ifModifiedSinceSeconds: Int64?
    private let ifUnmodifiedSinceSeconds: Int64?

    enum Verdict { case holds, notModified, failed(condition: String) }

    /// - Parameter prefix: empty, or `x-amz-copy-source-`.
    init(_ request: S3Request, prefix: String = "") throws(S3Error) {
        self.ifMatch = try ETagCondition(header: request.first(prefix + "if-match"))
        self.ifNoneMatch = try ETagCondition(header: request.first(prefix + "if-none-match"))
        self.ifModifiedSinceSeconds = request.first(prefix + "if-modified-since").flatMap {
            WireTime.seconds(httpDate: $0)
        }
        self.ifUnmodifiedSinceSeconds = request.first(prefix + "if-unmodified-since").flatMap {
            WireTime.seconds(httpDate: $0)
        }
    }

    /// Whether `Range` counts: a client that goes on with a download says with If-Range of which state it has the beginning, and
    /// gets the whole of any other.
    ///
    /// Source: RFC 9110, section 13.1.5: a strong tag, or exactly the date of the last change.
    static func keepsRange(_ request: S3Request, _ record: ObjectRecord) -> Bool {
        guard let text = request.first("if-range") else { return true }
        if text.hasBytePrefix("\"") { return text.hasSameBytes(as: record.etag.quoted) }
        return WireTime.seconds(httpDate: text) == record.modifiedMilliseconds / 1000
    }

    func verdict(on record: ObjectRecord) -> Verdict {
        let modified = record.modifiedMilliseconds / 1000
        if let ifMatch {
            guard ifMatch.holds(for: record.etag) else { return .failed(condition: "If-Match") }
        } else if let ifUnmodifiedSinceSeconds, modified > ifUnmodifiedSinceSeconds {
            return .failed(condition: "If-Unmodified-Since")
        }
        if let ifNoneMatch {
            if ifNoneMatch.holds(for: record.etag) { return .notModified }
        } else if let ifModifiedSinceSeconds, modified <= ifModifiedSinceSeconds {
            return .notModified
        }
        return .holds
    }
}

extension ETagCondition {
    /// The value of If-Match or If-None-Match; nil without one.
    init?(header: String?) throws(S3Error) {
        guard let header else { return nil }
        let items = header.pieces(at: ",").filter { !$0.isEmpty }.map { String($0.strippingBlanks()) }
        guard items != ["*"] else {
            self = .any
            return
        }
        do {
            var tags: [ETag] = []
            for item in items { tags.append(try ETag(item)) }
            self = .tags(tags)
        } catch { throw S3Error(error) }
    }

    fileprivate func holds(for etag: ETag) -> Bool {
        switch self {
        case .any: true
        case .tags(let tags): tags.contains(etag)
        }
    }
}

extension S3Request {
    /// The conditions of a write, which the engine's writer decides.
    ///
    /// Source: "PutObject", Amazon S3 API Reference: If-None-Match expects an asterisk. What S3 has no meaning for it refuses, and so does
    /// this store: a tag there would be a promise not to overwrite one state and a licence to overwrite every other.
    ///
    /// - Throws: NotImplemented for any other value, and for both conditions at once.
    func writePreconditions() throws(S3Error) -> WritePreconditions {
        let ifMatch = try ETagCondition(header: first("if-match"))
        let ifNoneMatch = try ETagCondition(header: first("if-none-match"))
        if let ifNoneMatch {
            guard ifMatch == nil else {
                throw .notServed(
                    .header, "If-None-Match",
                    reason: "Multiple conditional request headers present in the request")
            }
            guard ifNoneMatch == .any else {
                throw .notServed(
                    .header, "If-None-Match",
                    reason: "Of this header, no value but an asterisk is accepted on a write")
            }
        }
        return WritePreconditions(ifMatch: ifMatch, ifNoneMatch: ifNoneMatch)
    }
}
