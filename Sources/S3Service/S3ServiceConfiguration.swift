package import S3Types

/// What the service needs to know beside the engine.
package struct S3ServiceConfiguration: Sendable {
    package var region: String
    /// Domains whose subdomains are buckets, in lower case.
    package var domains: [String]
    /// The one account of the store and its key.
    package var owner: Owner
    package var accessKey: String
    package var secret: Secret
    /// Milliseconds since 1970.
    package var now: @Sendable () -> Int64
    /// How long a follower of the feed hears nothing before a space is sent.
    package var feedKeepAlive = Duration.seconds(5)

    package init(
        region: String, domains: [String] = [], owner: Owner = .root, accessKey: String, secret: Secret,
        now: @escaping @Sendable () -> Int64
    ) {
        self.region = region
        self.domains = domains
        self.owner = owner
        self.accessKey = accessKey
        self.secret = secret
        self.now = now
    }
}

/// Who owns buckets and objects.
package struct Owner: Sendable, Hashable {
    /// An opaque id, as S3's canonical user ids are: 64 hexadecimal digits.
    package let id: String
    package let displayName: String

    package init(id: String, displayName: String) {
        self.id = id
        self.displayName = displayName
    }

    /// The SHA-256 of `lodestore:root`, so that the owner outlives every change of key.
    package static let root = Owner(
        id: "d6cceeff0690d10113df024d0b253184b4fab6b13e81a696a31426660e0cdfcf", displayName: "root")
}
