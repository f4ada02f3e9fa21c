import Glibc
import RocksKit
import Synchronization

/// The account of free space: writes that bring bytes are refused before RocksDB would meet the end of the disk.
///
/// *Usable* is what the filesystem has free, less what is owed to it (bytes in memory that a flush will write) and less
/// what the reserve still lacks. Below the low mark writes are refused, from the high mark on they are taken again. The
/// filesystem is asked when as many bytes have been admitted as a quarter of what was usable, and by the watch; in
/// between a write costs one subtraction.
final class Room: Sendable {
    /// A look at most every so many bytes.
    private static let leastBytesBetweenLooks: Int64 = 1 << 20
    /// What goes through the log is written there and once more by the flush.
    static let logFactor: UInt64 = 2

    let reserve: Reserve
    private let directory: String
    private let database: Database
    private let free: @Sendable () -> UInt64?
    /// Half of the reserve.
    private let lowBytes: Int64
    private let highBytes: Int64

    private struct Sight {
        var freeBytes: UInt64 = 0
        var owedBytes: UInt64 = 0
    }

    /// Held by whoever looks, which may take as long as a flush.
    private let looking = Mutex(())
    private let sight = Mutex(Sight())
    private let usable = Atomic<Int64>(.max)
    private let untilLook = Atomic<Int64>(0)
    private let refuses = Atomic<Bool>(false)
    private let deletions = Atomic<UInt64>(0)
    private let relieves = Atomic<Bool>(false)
    /// Since the last relief; a large body is refused while small ones still fit.
    private let hasRefused = Atomic<Bool>(false)

    init(directory: String, database: Database, reserve: Reserve, free: @escaping @Sendable () -> UInt64?) {
        self.directory = directory
        self.database = database
        self.reserve = reserve
        self.free = free
        self.lowBytes = Int64(reserve.sizeBytes / 2)
        self.highBytes = Int64(reserve.sizeBytes)
    }

    var isRefusing: Bool { refuses.load(ordering: .relaxed) }

    // MARK: Before a write

    /// Admits the next bytes of a body, or refuses them.
    ///
    /// - Parameter costBytes: what the disk will hold of them at most, log included.
    func admit(_ costBytes: UInt64) throws(EngineError) {
        guard !isRefusing else { throw refusal(costBytes) }
        let left = untilLook.subtract(Int64(clamping: costBytes), ordering: .relaxed).newValue
        guard left < 0 else { return }
        look(isForced: false)
        guard !isRefusing else { throw refusal(costBytes) }
    }

    /// Refuses a body of which already its announced size does not fit. Admits nothing yet.
    func require(_ costBytes: UInt64) throws(EngineError) {
        guard !isRefusing else { throw refusal(costBytes) }
        guard !fits(costBytes) || untilLook.load(ordering: .relaxed) < 0 else { return }
        look(isForced: !fits(costBytes))
        guard !isRefusing, fits(costBytes) else { throw refusal(costBytes) }
    }

    /// Counts bytes that are written whether or not there is room.
    func spend(_ costBytes: UInt64) {
        untilLook.subtract(Int64(clamping: costBytes), ordering: .relaxed)
    }

    private func fits(_ costBytes: UInt64) -> Bool {
        Int64(clamping: costBytes) <= usable.load(ordering: .relaxed) - lowBytes
    }

    private func refusal(_ costBytes: UInt64) -> EngineError {
        hasRefused.store(true, ordering: .relaxed)
        return .insufficientStorage(shortage(costBytes))
    }

    /// What an admission lacks now.
    func shortage(_ costBytes: UInt64 = 0) -> SpaceShortage {
        let sight = sight.withLock { $0 }
        let needed = costBytes + sight.owedBytes + reserve.missingBytes + UInt64(isRefusing ? highBytes : lowBytes)
        return SpaceShortage(directory: directory, freeBytes: sight.freeBytes, neededBytes: needed)
    }

    // MARK: Looking

    /// Asks the filesystem. May flush, when what is owed is what makes room short.
    ///
    /// - Parameter isForced: false when somebody else's look just now serves as well.
    func look(isForced: Bool = true) {
        looking.withLock { _ in
            if !isForced, untilLook.load(ordering: .relaxed) >= 0 { return }
            let mark = isRefusing ? highBytes : lowBytes
            var (seen, usable) = see()
            // Somebody else has filled the disk: what is owed must still find its place, and deletes theirs.
            if reserve.isHeld, Int64(clamping: seen.freeBytes) < Int64(clamping: seen.owedBytes) + lowBytes / 2 {
                reserve.give()
                (seen, usable) = see()
            }
            if usable < mark, seen.owedBytes > lowBytes, seen.freeBytes > seen.owedBytes + UInt64(lowBytes) / 2 {
                // Frees the log, which is as large. A failure is RocksDB's to report.
                try? database.flush()
                (seen, usable) = see()
            }
            if usable >= lowBytes / 2, !relieves.load(ordering: .relaxed) { reserve.take() }
            // What the reserve lacks has been taken off already.
            let isShort = usable < mark
            sight.withLock { $0 = seen }
            self.usable.store(usable, ordering: .relaxed)
            untilLook.store(
                isShort ? 0 : max(Self.leastBytesBetweenLooks, (usable - lowBytes) / 4), ordering: .relaxed)
            refuses.store(isShort, ordering: .relaxed)
        }
    }

    private func see() -> (Sight, usable: Int64) {
        var seen = Sight()
        // A filesystem that does not answer is taken to be as it was.
        seen.freeBytes = free() ?? sight.withLock { $0.freeBytes }
        seen.owedBytes = Family.allCases.reduce(0) { sum, family in
            sum + (database.property("rocksdb.cur-size-all-mem-tables", of: family.rawValue) ?? 0)
        }
        let usable =
            Int64(clamping: seen.freeBytes) - Int64(clamping: seen.owedBytes)
            - Int64(clamping: reserve.missingBytes)
        return (seen, usable)
    }

    /// Whether the database could be opened anew: what is in its log is written to tables then.
    var hasRoomToOpen: Bool {
        sight.withLock { $0.freeBytes >= $0.owedBytes + UInt64(lowBytes) / 4 }
    }

    /// Bytes that are free, all of them.
    var freeBytes: UInt64 { free() ?? 0 }

    // MARK: Relief

    /// Says that something was deleted whose space a compaction would bring back.
    func noteDeletion() { deletions.add(1, ordering: .relaxed) }

    var deletionCount: UInt64 { deletions.load(ordering: .relaxed) }

    /// Whether anybody would profit from space that a compaction brings back.
    var wantsRelief: Bool { isRefusing || hasRefused.load(ordering: .relaxed) }

    /// Runs what brings space back, with the reserve open for it.
    func relieving(_ body: () throws(RocksError) -> Void) throws(RocksError) {
        relieves.store(true, ordering: .relaxed)
        hasRefused.store(false, ordering: .relaxed)
        defer {
            relieves.store(false, ordering: .relaxed)
            look()
        }
        reserve.give()
        try body()
    }

    /// What the filesystem of a directory has free for this process; nil when it does not say.
    static func freeBytes(of directory: String) -> UInt64? {
        var facts = statvfs()
        guard unsafe statvfs(directory, &facts) == 0 else { return nil }
        return UInt64(facts.f_bavail) * UInt64(facts.f_frsize)
    }
}
