import Names
package import S3Types

/// What a request's target and Host name: nothing, a bucket, or a bucket and a key.
///
/// Path-style is `/bucket/key`; virtual-host-style is `/key` at `bucket.domain`, for the domains that the server serves.
package struct S3Address: Sendable {
    package let bucket: BucketName?
    package let key: ObjectKey?
    package let query: QueryParameters

    /// - Parameters:
    ///   - host: the Host header.
    ///   - domains: in lower case, without port.
    /// - Throws: InvalidURI, InvalidBucketName, KeyTooLongError.
    package init(_ target: RequestTarget, host: String?, domains: [String]) throws(S3Error) {
        let path = target.path
        guard path.first == UInt8(ascii: "/") else { throw S3Error(.invalidURI) }
        self.query = try QueryParameters(target.parameters)

        var rest = path.dropFirst()
        var bucketText = Self.hostedBucket(host: host, domains: domains)
        if bucketText == nil, !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
            guard let text = String(validating: rest[..<end], as: UTF8.self) else { throw S3Error(.invalidBucketName) }
            bucketText = text
            rest = end == rest.endIndex ? rest[end...] : rest[(end + 1)...]
        }
        guard let bucketText else {
            self.bucket = nil
            self.key = nil
            return
        }
        do { self.bucket = try BucketName(bucketText) } catch {
            throw S3Error(.invalidBucketName, details: [("BucketName", bucketText)])
        }
        do { self.key = rest.isEmpty ? nil : try ObjectKey(bytes: rest) } catch { throw S3Error(error) }
    }

    /// The bucket that a Host of virtual-host style names; nil for every other.
    package static func hostedBucket(host: String?, domains: [String]) -> String? {
        guard let host, !domains.isEmpty else { return nil }
        let name = (host.hasBytePrefix("[") ? host[...] : host.bytePrefix(upTo: ":")).asciiLowercased()
        for domain in domains where name.hasByteSuffix("." + domain) {
            return String(Substring(name.utf8.dropLast(domain.utf8.count + 1)))
        }
        return nil
    }
}
