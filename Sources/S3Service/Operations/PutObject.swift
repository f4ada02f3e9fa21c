import ObjectEngine
import S3Types
import S3Wire

extension S3Service {
    /// Source: "PutObject", Amazon S3 API Reference.
    func putObject(_ request: S3Request) async throws(S3Error) -> Answer {
        let key = try request.key()
        let bucket = try bucket(of: request)
        let attributes = try request.attributes(owner: configuration.owner)
        let preconditions = try request.writePreconditions()
        var intake = try BodyIntake(request)
        let body = try await intake.receive(.object, by: self)
        let record = try await asking { () async throws(EngineError) in
            try await engine.putObject(
                key, in: bucket, blob: body.blob, etag: body.etag, checksums: body.checksums, attributes: attributes,
                preconditions: preconditions)
        }
        return Answer(fields: [("etag", record.etag.quoted)] + record.checksumFields)
    }
}
