import Names
import S3Types

/// Where an S3 answers, and how a bucket is named there.
package struct S3Endpoint: Sendable, Equatable, CustomStringConvertible {
    /// How a request names its bucket.
    package enum Addressing: Sendable, Equatable {
        /// `https://host/bucket/key`, which every self-hosted S3 understands.
        case path
        /// `https://bucket.host/key`, which AWS asks for.
        case virtualHost
    }

    package let isTLS: Bool
    package let host: String
    /// Nil for the scheme's own.
    package let port: UInt16?
    package let addressing: Addressing

    /// - Parameter url: `http://` or `https://`, a host, a port or none, and no path.
    /// - Returns: nil when it is none.
    package init?(url: String, addressing: Addressing? = nil) {
        let isTLS = url.hasBytePrefix("https://")
        guard isTLS || url.hasBytePrefix("http://") else { return nil }
        var rest = Substring(url.utf8.dropFirst(isTLS ? 8 : 7))
        if rest.hasByteSuffix("/") { rest = Substring(rest.utf8.dropLast()) }
        let isBracketed = rest.hasBytePrefix("[")
        let hostEnd =
            isBracketed
            ? rest.utf8.firstIndex(of: UInt8(ascii: "]")).map { rest.utf8.index(after: $0) }
            : rest.utf8.firstIndex(of: UInt8(ascii: ":"))
        let host = rest[..<(hostEnd ?? rest.endIndex)]
        let tail = rest[(hostEnd ?? rest.endIndex)...]
        let isPlain = host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"/?#@\\".utf8.contains($0) }
        guard !host.isEmpty, isPlain, tail.isEmpty || tail.hasBytePrefix(":") else { return nil }
        if tail.isEmpty {
            self.port = nil
        } else {
            guard let port = UInt16(Substring(tail.utf8.dropFirst())) else { return nil }
            self.port = port
        }
        self.isTLS = isTLS
        self.host = String(host)
        self.addressing = addressing ?? (host.hasByteSuffix(".amazonaws.com") ? .virtualHost : .path)
    }

    package var description: String { "\(isTLS ? "https" : "http")://\(authority(of: host))" }

    /// What goes into the `Host` header of a request to a bucket.
    func authority(bucket: BucketName) -> String {
        authority(of: addressing == .virtualHost ? "\(bucket).\(host)" : host)
    }

    /// The request target of a bucket or one of its objects, encoded as SigV4 encodes it.
    func target(bucket: BucketName, key: ObjectKey?, query: [(name: String, value: String)]) -> String {
        var target = addressing == .path ? "/\(bucket)" : ""
        if let key { target += "/" + PercentEncoding.encode(key.text, keepsSlash: true) }
        if target.isEmpty { target = "/" }
        let items = query.map { item in
            "\(PercentEncoding.encode(item.name, keepsSlash: false))=\(PercentEncoding.encode(item.value, keepsSlash: false))"
        }
        return items.isEmpty ? target : "\(target)?\(items.joined(separator: "&"))"
    }

    private func authority(of host: String) -> String { port.map { "\(host):\($0)" } ?? host }
}
