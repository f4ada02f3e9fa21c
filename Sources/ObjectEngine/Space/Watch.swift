import RocksKit
import Synchronization
import Threads

/// Looks after the disk on a thread of its own: hands on what RocksDB says, asks for room, has the space of the deleted
/// come back when room is short, and has the database opened anew after it failed.
final class Watch: Sendable {
    /// A failed opening is tried again after one period, then two, four, … up to this many.
    private static let longestPause = 16
    /// What must be writable before reads are interrupted for an opening.
    private static let trialBytes = 1 << 20

    private let wakeUp: WakeUp
    private let isClosed: Flag
    private let thread: WorkerThread

    /// Set by whoever sees a write fail.
    final class Flag: Sendable {
        private let value = Atomic<Bool>(false)

        var isSet: Bool { value.load(ordering: .acquiring) }
        func set(_ isSet: Bool) { value.store(isSet, ordering: .releasing) }
    }

    /// - Parameters:
    ///   - wakeUp: signalled when there is something to do before the period has passed.
    ///   - failure: kept by the writer: set while what it wrote last, or an opening anew, has failed.
    ///   - relieve: asks for the space of what was deleted.
    init(
        room: Room, bound: BoundKeeper, database: Database, stagingDirectory: String, writer: CommitWriter,
        failure: Flag, wakeUp: WakeUp,
        configuration: EngineConfiguration, relieve: @escaping @Sendable () -> Void
    ) {
        let isClosed = Flag()
        self.isClosed = isClosed
        self.wakeUp = wakeUp
        let period = configuration.watchMilliseconds
        let notify = configuration.notify
        self.thread = WorkerThread(name: "engine-watch") {
            var wasRefusing = false
            var hasTold = false
            // A store that is full from its start may have dead bytes of deletions before it.
            var relieved = room.isRefusing ? UInt64.max : room.deletionCount
            var pause = 0
            var nextPause = 1
            var calmCount = 0
            var hasToldOfBound = false
            while !isClosed.isSet {
                room.look()
                if room.isRefusing != wasRefusing {
                    wasRefusing.toggle()
                    notify(wasRefusing ? .full(room.shortage()) : .roomAgain)
                }
                if room.wantsRelief, room.deletionCount != relieved {
                    relieved = room.deletionCount
                    relieve()
                }
                if let reason = bound.failure {
                    if !hasToldOfBound {
                        notify(.error("how far commits were acknowledged cannot be recorded: \(reason)"))
                    }
                    if !failure.isSet, !database.hasFailed { bound.retry(in: database) }
                }
                hasToldOfBound = bound.failure != nil
                calmCount = failure.isSet || database.hasFailed ? 0 : calmCount + 1
                if calmCount > 2 * Self.longestPause { (pause, nextPause) = (0, 1) }
                if failure.isSet || database.hasFailed {
                    if !hasTold {
                        notify(.failed(database.backgroundErrors.latest ?? "a write failed"))
                        hasTold = true
                    }
                    pause -= 1
                    if pause <= 0, room.hasRoomToOpen {
                        // Also after a success: what fails again at once, such as a table that cannot be read, is not
                        // opened again at once.
                        (pause, nextPause) = (nextPause, min(2 * nextPause, Self.longestPause))
                        if let error = Self.openAnew(database, stagingDirectory, writer) {
                            notify(.stillFailed(error.cause))
                        } else {
                            hasTold = false
                            notify(.openedAnew)
                        }
                    }
                }
                Self.handOn(database.takeMessages(), to: notify)
                wakeUp.wait(milliseconds: period)
            }
            Self.handOn(database.takeMessages(), to: notify)
        }
    }

    func close() {
        isClosed.set(true)
        wakeUp.signal()
        thread.join()
    }

    private static func openAnew(
        _ database: Database, _ stagingDirectory: String, _ writer: CommitWriter
    ) -> EngineError? {
        do throws(EngineError) {
            try storing { () throws(RocksError) in
                try database.tryDisk(stagingDirectory + "/trial", byteCount: trialBytes)
            }
            try writer.openAnew()
            return nil
        } catch {
            return error
        }
    }

    private static func handOn(
        _ taken: (messages: [RocksMessage], droppedCount: UInt64), to notify: (EngineNotice) -> Void
    ) {
        for message in taken.messages { notify(message.isError ? .error(message.text) : .warning(message.text)) }
        if taken.droppedCount > 0 { notify(.droppedMessages(taken.droppedCount)) }
    }
}
