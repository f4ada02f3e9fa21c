import Names
import ObjectEngine
import S3Types
import S3Wire

/// Which events a follower wants.
struct FeedFilter: Sendable {
    /// Names of events; one that ends in `*` stands for all that begin so.
    private let names: [String]
    private let prefix: String
    private let suffix: String

    /// - Throws: InvalidArgument for an event that there is not.
    init(_ query: QueryParameters) throws(S3Error) {
        let names = query.all("events").flatMap { $0.pieces(at: ",").filter { !$0.isEmpty }.map { String($0) } }
        for name in names where !FeedEvent.Kind.allCases.contains(where: { Self.matches(name, $0.name) }) {
            throw S3Error(
                .invalidArgument, "A specified event is not supported for notifications.",
                details: [("ArgumentName", "Event"), ("ArgumentValue", name)])
        }
        self.names = names
        self.prefix = query.first("prefix") ?? ""
        self.suffix = query.first("suffix") ?? ""
    }

    func wants(_ event: FeedEvent) -> Bool {
        names.contains { Self.matches($0, event.kind.name) }
            && event.key.utf8.starts(with: prefix.utf8)
            && event.key.utf8.reversed().starts(with: suffix.utf8.reversed())
    }

    private static func matches(_ pattern: String, _ name: String) -> Bool {
        pattern.hasByteSuffix("*")
            ? name.hasBytePrefix(Substring(pattern.utf8.dropLast())) : Name(pattern) == Name(name)
    }
}
