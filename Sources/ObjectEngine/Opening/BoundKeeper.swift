import DurableFiles
import RocksKit
import Synchronization

/// Keeps the bound of what was acknowledged: on the writer's thread, and on the watch's where writing it had failed.
///
/// It is written before a commit is acknowledged that is the first in a new log or behind a change of the manifest; and once
/// in ``groupLimit`` groups or ``ageLimitMilliseconds``, whichever comes first. A group pays a count and a comparison
/// otherwise.
///
/// Where the current log reaches to is looked at before a group is written and believed once that group's sync has
/// succeeded: bytes that others append meanwhile, or that a failing disk tore, are never taken for durable.
final class BoundKeeper: Sendable {
    private static let groupLimit = 256
    private static let ageLimitMilliseconds: Int64 = 1000

    private struct State {
        var file: BoundFile
        var bound: AcknowledgedBound
        var changes: UInt64?
        /// Sizes of the logs, taken before the group that is being written.
        var sample: [UInt64: UInt64]?
        /// Whether the next group is to prove where a log ends.
        var samplesNext = false
        var groupCount = 0
        var lastMilliseconds: Int64 = 0
        /// Of the last group that is on the disk.
        var sequence: UInt64 = 0
        var failure: String?
    }

    private let layout: StoreLayout
    private let disk: any Disk
    private let state: Mutex<State>

    init(_ layout: StoreLayout, disk: any Disk, bound: AcknowledgedBound, file: consuming BoundFile) {
        self.layout = layout
        self.disk = disk
        self.state = Mutex(State(file: file, bound: bound))
    }

    /// Why the bound could not be written, while that is so.
    var failure: String? { state.withLock { $0.failure } }

    /// To be called before a group is written.
    func prepare(at milliseconds: Int64) {
        state.withLock { state in
            state.groupCount += 1
            let age = milliseconds - state.lastMilliseconds
            let isOld = age >= Self.ageLimitMilliseconds || age < 0
            let isDue = state.samplesNext || state.groupCount >= Self.groupLimit || isOld
            // A sample that cannot be had is taken before the next group.
            state.sample = isDue ? try? sizes() : nil
        }
    }

    /// To be called once a group is on the disk and before anyone hears of it.
    func committed(_ sequence: UInt64, in database: Database, at milliseconds: Int64) {
        state.withLock { state in
            state.sequence = sequence
            let changes = database.changeCount
            guard state.sample != nil || changes != state.changes || state.failure != nil else { return }
            do {
                try record(in: database, changes: changes, isQuiet: false, &state)
                state.lastMilliseconds = milliseconds
                state.groupCount = 0
            } catch {
                state.failure = "\(layout.bound): \(error)"
            }
        }
    }

    /// Tries again what failed: while it stands, nobody can be told how far the store was acknowledged.
    func retry(in database: Database) {
        state.withLock { state in
            guard state.failure != nil else { return }
            // Of a group that is being written, or failed: nothing proves it.
            let sample = state.sample
            state.sample = nil
            defer { state.sample = sample }
            do {
                try record(in: database, changes: database.changeCount, isQuiet: false, &state)
            } catch {
                state.failure = "\(layout.bound): \(error)"
            }
        }
    }

    /// Records where everything stands once the last group has been written and what is in memory may be in tables.
    func close(_ database: Database) {
        state.withLock { state in
            // Of a group that failed: nothing proves it.
            state.sample = nil
            // What cannot be recorded leaves the bound as it was, which holds as well.
            try? record(in: database, changes: database.changeCount, isQuiet: false, &state)
        }
    }

    /// Records where everything stands while nobody writes.
    func settle(_ sequence: UInt64, in database: Database) throws(EngineError) {
        let failure: EngineError? = state.withLock { state in
            state.sequence = sequence
            do {
                try record(in: database, changes: database.changeCount, isQuiet: true, &state)
                return nil
            } catch let error as RocksError {
                return .storage(error)
            } catch let error as FileError {
                return .files(error)
            } catch {
                return .storage(RocksError(.other(code: 0), "\(error)"))
            }
        }
        if let failure { throw failure }
    }

    private func sizes() throws(FileError) -> [UInt64: UInt64] {
        var sizes: [UInt64: UInt64] = [:]
        for (number, name) in try layout.logs(disk) {
            // One that went away between the two looks is needed no more: the manifest says so first.
            sizes[number] = try fileSize(layout.database + "/" + name)
        }
        return sizes
    }

    private func record(
        in database: Database, changes: UInt64, isQuiet: Bool, _ state: inout State
    ) throws {
        let sizes = try self.sizes()
        var next = state.bound
        let known = Dictionary(state.bound.logs.map { ($0.number, $0.bytes) }, uniquingKeysWith: max)
        // Only while nobody writes: RocksDB aborts where a log is synced behind a write that failed.
        if isQuiet { try database.syncLog() }
        next.logs = sizes.keys.sorted().map { number in
            let bytes = isQuiet ? sizes[number] ?? 0 : max(state.sample?[number] ?? 0, known[number] ?? 0)
            return AcknowledgedBound.Log(number: number, bytes: bytes)
        }
        // A log that was closed just now may end in bytes that nobody has synced; the next group's sync proves them.
        state.samplesNext = sizes.count > known.count || changes != state.changes
        if changes != state.changes { (next.manifest, next.manifestBytes) = try database.manifest() }
        next.sequence = state.sequence
        try state.file.write(next)
        state.bound = next
        state.changes = changes
        state.sample = nil
        state.failure = nil
    }
}
