import NIOCore
import NIOHTTP1
import Names
package import S3Types
import S3Wire

/// An object as a listing shows it.
package struct ListedObject: Sendable, Equatable {
    package let key: ObjectKey
    package let sizeBytes: UInt64
    package let etag: ETag
    /// ISO 8601 in UTC, as the store wrote it: it sorts by time.
    package let modified: String
}

extension S3Client {
    /// How many objects one listing may give before it is refused: a sidecar's bucket holds models, not training data.
    private static let listingLimit = 100_000
    private static let pageLimitBytes: UInt64 = 16 << 20

    /// Every object under a prefix, in key order, page after page.
    ///
    /// - Throws: ``S3ClientError``; `malformedAnswer` also beyond 100,000 objects.
    package func listObjects(prefix: String) async throws(S3ClientError) -> [ListedObject] {
        var objects: [ListedObject] = []
        var token: String?
        repeat {
            let current = token
            let page = try await retrying { () async throws(S3ClientError) -> ListObjectsDocument in
                try await self.page(prefix: prefix, token: current)
            }
            for entry in page.entries {
                // Keys come percent-encoded, since XML cannot hold every byte that a key can.
                guard let bytes = PercentEncoding.decode(entry.key, plusIsSpace: true),
                    let key = try? ObjectKey(bytes: bytes), let etag = try? ETag(entry.etag)
                else { throw .malformedAnswer(reason: "a listing with the entry \(entry.key.prefix(200))") }
                objects.append(ListedObject(key: key, sizeBytes: entry.sizeBytes, etag: etag, modified: entry.modified))
            }
            guard objects.count <= Self.listingLimit else {
                throw .malformedAnswer(reason: "more than \(Self.listingLimit) objects under \"\(prefix)\"")
            }
            token = page.isTruncated ? page.nextContinuationToken : nil
            // The same token again would never end.
            guard token == nil || Name(token ?? "") != Name(current ?? "") else {
                throw .malformedAnswer(reason: "a listing that does not go on")
            }
        } while token != nil
        return objects
    }

    private func page(prefix: String, token: String?) async throws(S3ClientError) -> ListObjectsDocument {
        var query = [
            (name: "list-type", value: "2"), (name: "prefix", value: prefix), (name: "encoding-type", value: "url"),
        ]
        if let token { query.append((name: "continuation-token", value: token)) }
        let answer = try await send(
            try request(.GET, key: nil, query: query), key: nil, deadline: .now() + .seconds(60))
        let body = try await collect(answer, limitBytes: Self.pageLimitBytes)
        do throws(XMLReaderError) {
            return try ListObjectsDocument(body)
        } catch {
            throw .malformedAnswer(reason: "a listing: \(error)")
        }
    }
}
