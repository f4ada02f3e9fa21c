import NIOHTTP1
import ObjectEngine
import S3Types
import S3Wire

extension S3Service {
    /// Source: "HeadBucket", Amazon S3 API Reference.
    func headBucket(_ request: S3Request) throws(S3Error) -> Answer {
        let bucket = try bucket(of: request)
        return Answer(fields: [("x-amz-bucket-region", bucket.region), ("content-type", "application/xml")])
    }

    /// Source: "DeleteBucket", Amazon S3 API Reference.
    func deleteBucket(_ request: S3Request) async throws(S3Error) -> Answer {
        let bucket = try bucket(of: request)
        try await asking { () async throws(EngineError) in try await engine.deleteBucket(bucket) }
        return Answer(.noContent)
    }

    /// Source: "GetBucketLocation", Amazon S3 API Reference: us-east-1 is written as nothing.
    func getBucketLocation(_ request: S3Request) throws(S3Error) -> Answer {
        let bucket = try bucket(of: request)
        var xml = XMLWriter(root: "LocationConstraint")
        if bucket.region != "us-east-1" { xml.text(bucket.region) }
        return Answer(document: xml)
    }

    /// Source: "GetBucketVersioning", Amazon S3 API Reference: a bucket on which it was never enabled has no status.
    func getBucketVersioning(_ request: S3Request) throws(S3Error) -> Answer {
        _ = try bucket(of: request)
        return Answer(document: XMLWriter(root: "VersioningConfiguration"))
    }
}
