import NIOHTTP1
import ObjectEngine
import S3Types
import S3Wire

extension S3Service {
    /// Source: "DeleteObject", Amazon S3 API Reference: an object that is not there is deleted as well as one that is.
    func deleteObject(_ request: S3Request) async throws(S3Error) -> Answer {
        let key = try request.key()
        let bucket = try bucket(of: request)
        try request.checkVersion(request.query.first("versionId"))
        let preconditions = WritePreconditions(ifMatch: try ETagCondition(header: request.first("if-match")))
        _ = try await asking { () async throws(EngineError) in
            try await engine.deleteObject(key, in: bucket, preconditions: preconditions)
        }
        return Answer(.noContent)
    }
}
