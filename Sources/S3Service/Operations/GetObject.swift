import NIOHTTP1
import Names
import ObjectEngine
import S3Types
import S3Wire

extension S3Service {
    /// Source: "GetObject", Amazon S3 API Reference.
    func getObject(_ request: S3Request) throws(S3Error) -> Answer {
        let key = try request.key()
        let bucket = try bucket(of: request)
        try request.checkVersion(request.query.first("versionId"))
        let handle = try asking { () throws(EngineError) in try engine.object(key, in: bucket) }
        var selection = try ReadSelection(request, handle.record)
        if let refusal = selection.refusal { return refusal }
        if let range = selection.range { selection.answer.body = .object(handle.reader(range)) }
        return selection.answer
    }

    /// Source: "HeadObject", Amazon S3 API Reference.
    func headObject(_ request: S3Request) throws(S3Error) -> Answer {
        let key = try request.key()
        let bucket = try bucket(of: request)
        try request.checkVersion(request.query.first("versionId"))
        let record = try asking { () throws(EngineError) in try engine.head(key, in: bucket) }
        var selection = try ReadSelection(request, record)
        if let refusal = selection.refusal { return refusal }
        selection.answer.body = .declared(selection.range.map { UInt64($0.count) } ?? 0)
        return selection.answer
    }
}

/// What of an object a read asks for, and the head of its answer.
private struct ReadSelection {
    /// The answer but for its body.
    var answer = Answer()
    /// The bytes to send; nil where there are none.
    private(set) var range: Range<UInt64>?
    /// Set where a condition decides the answer.
    private(set) var refusal: Answer?

    private static let overrides = [
        "content-type", "content-language", "expires", "cache-control", "content-disposition", "content-encoding",
    ]

    /// - Throws: PreconditionFailed, InvalidRange, InvalidPartNumber.
    init(_ request: S3Request, _ record: ObjectRecord) throws(S3Error) {
        switch try ReadConditions(request).verdict(on: record) {
        case .holds: break
        case .failed(let condition): throw S3Error(.preconditionFailed, details: [("Condition", condition)])
        case .notModified:
            let fields = [
                ("etag", record.etag.quoted),
                ("last-modified", WireTime.httpDate(milliseconds: record.modifiedMilliseconds)),
            ]
            self.refusal = Answer(.notModified, fields: fields)
            return
        }
        let size = record.sizeBytes
        var range = 0..<size
        var isPartial = false
        if let part = request.query.first("partNumber") {
            guard request.first("range") == nil else {
                throw S3Error(.invalidRequest, "Cannot specify both Range header and partNumber query parameter")
            }
            range = try Self.range(ofPart: part, of: record)
            isPartial = true
        } else if let header = request.first("range"), let asked = ByteRange(header: header),
            ReadConditions.keepsRange(request, record)
        {
            guard let resolved = asked.resolved(sizeBytes: size) else {
                throw S3Error(.invalidRange, details: [("RangeRequested", header), ("ActualObjectSize", String(size))])
            }
            range = resolved
            isPartial = true
        }
        let wantsChecksum = request.first("x-amz-checksum-mode")?.asciiUppercased() == "ENABLED" && range == 0..<size
        var fields = record.describingFields(wantsChecksum: wantsChecksum)
        for name in Self.overrides {
            guard let value = request.query.first("response-" + name) else { continue }
            // text: names of fields of our own
            fields.removeAll { $0.0 == name }
            fields.append((name, value))
        }
        if request.query.contains("partNumber"), !record.parts.isEmpty {
            fields.append(("x-amz-mp-parts-count", String(record.parts.count)))
        }
        if isPartial, !range.isEmpty {
            fields.append(("content-range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"))
        }
        self.range = range.isEmpty ? nil : range
        self.answer = Answer(isPartial ? .partialContent : .ok, fields: fields)
    }

    /// A part of an object completed from parts by its place in the list; an object put in one piece is its own first part.
    private static func range(ofPart text: String, of record: ObjectRecord) throws(S3Error) -> Range<UInt64> {
        let number: PartNumber
        do { number = try PartNumber(text) } catch { throw S3Error(error) }
        let sizes = record.parts.isEmpty ? [record.sizeBytes] : record.parts.map(\.sizeBytes)
        let index = Int(number.value) - 1
        guard index < sizes.count else {
            throw S3Error(.invalidPartNumber, details: [("ActualPartCount", String(sizes.count))])
        }
        let start = sizes[..<index].reduce(0, +)
        return start..<(start + sizes[index])
    }
}
