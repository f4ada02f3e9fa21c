import Synchronization

/// Which blobs are being read. Held in memory: a restart clears them.
///
/// A reader leases the blobs of a record and then reads the record again; finding it unchanged, it knows that the blobs
/// were named when it leased them, and that whoever takes them away later will look here first.
final class Leases: Sendable {
    private struct State {
        var counts: [BlobID: Int] = [:]
        /// Blobs that would be gone but for their leases.
        var awaited: Set<BlobID> = []
    }

    private let state = Mutex(State())
    private let onAwaitedRelease: @Sendable () -> Void

    /// - Parameter onAwaitedRelease: called when the last lease of a blob has ended that ``awaits(_:)`` told of.
    init(onAwaitedRelease: @escaping @Sendable () -> Void) {
        self.onAwaitedRelease = onAwaitedRelease
    }

    func take(_ extents: [Extent]) {
        state.withLock { state in
            for extent in extents { state.counts[extent.id, default: 0] += 1 }
        }
    }

    func release(_ extents: [Extent]) {
        let wasAwaited = state.withLock { state in
            var wasAwaited = false
            for extent in extents {
                guard let count = state.counts[extent.id] else { preconditionFailure("a lease ends once") }
                state.counts[extent.id] = count == 1 ? nil : count - 1
                if count == 1, !state.awaited.isEmpty, state.awaited.remove(extent.id) != nil { wasAwaited = true }
            }
            return wasAwaited
        }
        if wasAwaited { onAwaitedRelease() }
    }

    /// Whether somebody reads the blob; the end of that will then be told.
    func awaits(_ id: BlobID) -> Bool {
        state.withLock { state in
            guard state.counts[id] != nil else { return false }
            state.awaited.insert(id)
            return true
        }
    }

    var count: Int { state.withLock { $0.counts.count } }
}
