import Synchronization

/// Which blobs are being read. Held in memory: a restart clears them.
///
/// A reader leases the blobs of a record and then reads the record again; finding it unchanged, it knows that the blobs
/// were named when it leased them, and that whoever takes them away later will look here first.
final class Leases: Sendable {
    private let counts = Mutex<[BlobID: Int]>([:])
    private let onRelease: @Sendable () -> Void

    /// - Parameter onRelease: called when the last lease of a blob has ended and it may have waited for that.
    init(onRelease: @escaping @Sendable () -> Void) {
        self.onRelease = onRelease
    }

    func take(_ extents: [Extent]) {
        counts.withLock { counts in
            for extent in extents { counts[extent.id, default: 0] += 1 }
        }
    }

    func release(_ extents: [Extent]) {
        counts.withLock { counts in
            for extent in extents {
                guard let count = counts[extent.id] else { preconditionFailure("a lease ends once") }
                counts[extent.id] = count == 1 ? nil : count - 1
            }
        }
        onRelease()
    }

    func holds(_ id: BlobID) -> Bool {
        counts.withLock { $0[id] != nil }
    }

    var count: Int { counts.withLock { $0.count } }
}
