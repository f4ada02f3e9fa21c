import ObjectEngine
import S3Types
import S3Wire

extension S3Service {
    /// The most entries of a page. Source: "ListObjectsV2", Amazon S3 API Reference.
    private static let pageLimit = 1000

    /// Source: "ListObjects", Amazon S3 API Reference.
    func listObjects(_ request: S3Request) throws(S3Error) -> Answer {
        let listing = try Listing(request, startAfter: request.query.first("marker"))
        let page = try page(listing, request)
        var xml = XMLWriter(root: "ListBucketResult")
        listing.open(&xml, bucket: try request.bucketName())
        xml.element("Marker", listing.encoded(request.query.first("marker") ?? ""))
        // Without a delimiter a client goes on from the last key.
        if let next = page?.next, !listing.query.delimiter.isEmpty { xml.element("NextMarker", listing.encoded(next)) }
        xml.element("IsTruncated", page?.next != nil)
        listing.write(page, to: &xml, owner: configuration.owner)
        return Answer(document: xml)
    }

    /// Source: "ListObjectsV2", Amazon S3 API Reference.
    func listObjectsV2(_ request: S3Request) throws(S3Error) -> Answer {
        let token = request.query.first("continuation-token")
        if let token, token.isEmpty {
            throw S3Error(
                .invalidArgument, "The continuation token provided is incorrect",
                details: [("ArgumentName", "continuation-token")])
        }
        let startAfter = request.query.first("start-after")
        let listing = try Listing(
            request,
            startAfter: try token.map { text throws(S3Error) in try ContinuationToken(text).next } ?? startAfter)
        let page = try page(listing, request)
        var xml = XMLWriter(root: "ListBucketResult")
        listing.open(&xml, bucket: try request.bucketName())
        xml.element("KeyCount", page.map { $0.objects.count + $0.commonPrefixes.count } ?? 0)
        if let token { xml.element("ContinuationToken", token) }
        if let startAfter { xml.element("StartAfter", listing.encoded(startAfter)) }
        if let next = page?.next { xml.element("NextContinuationToken", ContinuationToken(next: next).text) }
        xml.element("IsTruncated", page?.next != nil)
        listing.write(page, to: &xml, owner: request.query.first("fetch-owner") == "true" ? configuration.owner : nil)
        return Answer(document: xml)
    }

    /// Nil where not one entry was asked for.
    private func page(_ listing: Listing, _ request: S3Request) throws(S3Error) -> ListPage? {
        let bucket = try bucket(of: request)
        guard listing.query.limit > 0 else { return nil }
        return try asking { () throws(EngineError) in try engine.list(listing.query, in: bucket) }
    }
}

/// What both forms of a listing have in common.
private struct Listing {
    let query: ListQuery
    private let askedLimit: Int
    private let isEncoded: Bool

    init(_ request: S3Request, startAfter: String?) throws(S3Error) {
        self.askedLimit = min(try request.number("max-keys") ?? 1000, 1000)
        self.isEncoded = try request.wantsURLEncoding()
        self.query = ListQuery(
            prefix: request.query.first("prefix") ?? "", delimiter: request.query.first("delimiter") ?? "",
            startAfter: startAfter.flatMap { $0.isEmpty ? nil : $0 }, limit: askedLimit)
    }

    func encoded(_ text: String) -> String { isEncoded ? PercentEncoding.encode(text, keepsSlash: true) : text }

    func open(_ xml: inout XMLWriter, bucket: BucketName) {
        xml.element("Name", bucket.text)
        xml.element("Prefix", encoded(query.prefix))
        if !query.delimiter.isEmpty { xml.element("Delimiter", encoded(query.delimiter)) }
        xml.element("MaxKeys", askedLimit)
        if isEncoded { xml.element("EncodingType", "url") }
    }

    func write(_ page: ListPage?, to xml: inout XMLWriter, owner: Owner?) {
        guard let page else { return }
        for object in page.objects {
            xml.group("Contents") { xml in
                xml.element("Key", encoded(object.key.text))
                xml.element("LastModified", WireTime.iso8601(milliseconds: object.modifiedMilliseconds))
                xml.element("ETag", object.etag.quoted)
                for algorithm in object.checksumAlgorithms { xml.element("ChecksumAlgorithm", algorithm.rawValue) }
                if let type = object.checksumType { xml.element("ChecksumType", type.rawValue) }
                xml.element("Size", object.sizeBytes)
                if let owner { xml.owner("Owner", owner) }
                xml.element("StorageClass", object.storageClass)
            }
        }
        for prefix in page.commonPrefixes { xml.group("CommonPrefixes") { $0.element("Prefix", encoded(prefix)) } }
    }
}
