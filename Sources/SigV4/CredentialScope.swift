import Names

/// What a signing key is good for: one access key, one day, one region, one service.
package struct CredentialScope: Hashable, Sendable {
    package let accessKey: String
    package let day: String
    package let region: String
    package let service: String

    /// `20130524/us-east-1/s3/aws4_request`
    package var text: String { "\(day)/\(region)/\(service)/aws4_request" }
    /// `AKIA…/20130524/us-east-1/s3/aws4_request`
    package var credential: String { "\(accessKey)/\(text)" }

    package init(accessKey: String, day: some StringProtocol, region: String, service: String) {
        self.accessKey = accessKey
        self.day = String(day)
        self.region = region
        self.service = service
    }

    package static func == (left: CredentialScope, right: CredentialScope) -> Bool {
        Name(left.accessKey) == Name(right.accessKey) && Name(left.day) == Name(right.day)
            && Name(left.region) == Name(right.region) && Name(left.service) == Name(right.service)
    }

    package func hash(into hasher: inout Hasher) {
        for text in [accessKey, day, region, service] { hasher.combine(Name(text)) }
    }

    /// Nil unless the text is an access key and the four steps of a scope. An access key may itself hold slashes.
    package init?(credential text: some StringProtocol) {
        let steps = String(text).utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { String(Substring($0)) }
        guard steps.count >= 5, steps.last == "aws4_request" else { return nil }
        let scope = Array(steps[(steps.count - 4)..<(steps.count - 1)])
        let accessKey = steps[..<(steps.count - 4)].joined(separator: "/")
        let isDay =
            scope[0].utf8.count == 8
            && scope[0].utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard !accessKey.isEmpty, isDay, !scope[1].isEmpty, !scope[2].isEmpty else { return nil }
        self.init(accessKey: accessKey, day: scope[0], region: scope[1], service: scope[2])
    }
}
