import ObjectEngine
import S3Types
import S3Wire

extension S3Service {
    /// Source: "CreateBucket", Amazon S3 API Reference. As in us-east-1, making one's own bucket again is no error there; in
    /// every other region it is BucketAlreadyOwnedByYou.
    func createBucket(_ request: S3Request) async throws(S3Error) -> Answer {
        let name = try request.bucketName()
        let document = try CreateBucketDocument(try await request.smallBody(limitBytes: 64 << 10))
        if let location = document.locationConstraint, !location.isEmpty, location != configuration.region {
            throw S3Error(.invalidLocationConstraint, details: [("LocationConstraint", location)])
        }
        do throws(EngineError) {
            _ = try await engine.createBucket(name, owner: configuration.owner.id, region: configuration.region)
        } catch .bucketExists(let bucket) {
            // text: owners are of the configuration
            guard bucket.owner == configuration.owner.id else {
                throw S3Error(.bucketAlreadyExists, details: [("BucketName", name.text)])
            }
            guard configuration.region == "us-east-1" else {
                throw S3Error(.bucketAlreadyOwnedByYou, details: [("BucketName", name.text)])
            }
        } catch { throw refused(error) }
        return Answer(fields: [("location", "/\(name)")])
    }
}
