import InferenceWire
import Names

/// What was asked of one generation.
struct ModelCounts: Sendable {
    let entry: RepositoryEntry
    var counts: InferenceStatistics

    /// Sums what loops have counted, each generation by itself: in the midst of a swap they may differ in which is live.
    static func merged(_ loops: [[ModelCounts]]) -> [ModelCounts] {
        var merged: [ModelCounts] = []
        for model in loops.joined() {
            if let index = merged.firstIndex(where: { $0.entry == model.entry }) {
                merged[index].counts += model.counts
            } else {
                merged.append(model)
            }
        }
        return merged
    }
}

extension ModelTable.Slot {
    func repositoryEntry(isReady: Bool) -> RepositoryEntry {
        model.withModel { RepositoryEntry(name: $0.name.text, version: $0.version, isReady: isReady) }
    }
}
