import ObjectEngine
import S3Types
import S3Wire

extension S3Service {
    /// A thousand keys of 1,024 bytes, each byte written as an entity, and then some.
    private static let deleteDocumentLimitBytes = 8 << 20

    /// Source: "DeleteObjects", Amazon S3 API Reference.
    func deleteObjects(_ request: S3Request) async throws(S3Error) -> Answer {
        let bucket = try bucket(of: request)
        let body = try await request.smallBody(limitBytes: Self.deleteDocumentLimitBytes, requiresDigest: true)
        let document = try await documents.read(byteCount: body.count) { () throws(S3Error) in
            try DeleteDocument(body)
        }

        // What is wrong with one entry is the answer to that entry alone.
        var refusals: [Int: S3Error] = [:]
        var deletions: [Deletion] = []
        for (index, entry) in document.entries.enumerated() {
            do throws(S3Error) {
                deletions.append(try deletion(entry, request))
            } catch {
                refusals[index] = error
            }
        }
        let outcomes = try await asking { [deletions] () async throws(EngineError) in
            try await engine.deleteObjects(deletions, in: bucket)
        }

        var xml = XMLWriter(root: "DeleteResult")
        var remaining = outcomes[...]
        for (index, entry) in document.entries.enumerated() {
            var refusal = refusals[index]
            if refusal == nil, case .failure(let error)? = remaining.popFirst() { refusal = refused(error) }
            if let refusal {
                xml.group("Error") { xml in
                    xml.element("Key", entry.key)
                    xml.element("Code", refusal.code.rawValue)
                    xml.element("Message", refusal.message)
                }
            } else if !document.isQuiet {
                xml.group("Deleted") { $0.element("Key", entry.key) }
            }
        }
        return Answer(document: xml)
    }

    private func deletion(_ entry: DeleteDocument.Entry, _ request: S3Request) throws(S3Error) -> Deletion {
        try request.checkVersion(entry.versionID)
        let ifMatch = try ETagCondition(header: entry.etag)
        do { return Deletion(key: try ObjectKey(entry.key), preconditions: WritePreconditions(ifMatch: ifMatch)) } catch
        {
            throw S3Error(error)
        }
    }
}
