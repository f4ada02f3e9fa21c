/// One model as the repository index tells it.
package struct RepositoryEntry: Equatable, Sendable {
    package let name: String
    package let version: String
    /// Whether this executor answers for it; a model that was unloaded is held and does not.
    package let isReady: Bool

    package init(name: String, version: String, isReady: Bool) {
        self.name = name
        self.version = version
        self.isReady = isReady
    }

    var state: String { isReady ? "READY" : "UNAVAILABLE" }
    var reason: String { isReady ? "" : "unloaded" }
}
