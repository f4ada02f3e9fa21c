import Names
import ObjectEngine
import S3Types
import S3Wire

extension S3Service {
    /// Source: "ListBuckets", Amazon S3 API Reference.
    func listBuckets(_ request: S3Request) throws(S3Error) -> Answer {
        let limit = try request.number("max-buckets").map { min(max($0, 1), 10_000) } ?? 10_000
        let prefix = request.query.first("prefix") ?? ""
        let after = try request.query.first("continuation-token").map { token throws(S3Error) in
            try ContinuationToken(token).next
        }
        let matching = engine.buckets().filter { bucket in
            bucket.name.text.hasBytePrefix(prefix) && (after.map { Name(bucket.name.text) > Name($0) } ?? true)
        }
        let page = matching.prefix(limit)

        var xml = XMLWriter(root: "ListAllMyBucketsResult")
        xml.owner("Owner", configuration.owner)
        xml.group("Buckets") { xml in
            for bucket in page {
                xml.group("Bucket") { xml in
                    xml.element("Name", bucket.name.text)
                    xml.element("CreationDate", WireTime.iso8601(milliseconds: bucket.createdMilliseconds))
                    xml.element("BucketRegion", bucket.region)
                }
            }
        }
        if !prefix.isEmpty { xml.element("Prefix", prefix) }
        if page.count < matching.count, let last = page.last {
            xml.element("ContinuationToken", ContinuationToken(next: last.name.text).text)
        }
        return Answer(document: xml)
    }
}
