import Logging
import Synchronization
import Telemetry

/// Tells a machine and the log each step of one attempt as it is taken.
final class StepProgress: Sendable {
    private let attempt: ModelMachine.Attempt
    private let entry: ModelEntry
    private let logger: Logger
    private let changed: @Sendable () -> Void
    private let reached = Mutex(SyncStep.noticed)

    init(attempt: ModelMachine.Attempt, entry: ModelEntry, logger: Logger, changed: @escaping @Sendable () -> Void) {
        self.attempt = attempt
        self.entry = entry
        self.logger = logger
        self.changed = changed
    }

    /// The last step taken.
    var step: SyncStep { reached.withLock { $0 } }

    /// - Throws: ``PreparationError/superseded`` when a newer artifact came.
    func took(_ step: SyncStep, _ bytes: UInt64?) throws(PreparationError) {
        let record = entry.machine.withLock { machine -> StepRecord? in
            machine.took(step, bytes: bytes, in: attempt) ? machine.steps.records.last : nil
        }
        guard let record else { throw .superseded }
        reached.withLock { $0 = step }
        var metadata: Logger.Metadata = [
            LogKey.model: "\(entry.model)", LogKey.key: "\(attempt.reference.key)", LogKey.step: "\(step.rawValue)",
            LogKey.duration: "\(milliseconds(record.duration))",
        ]
        if let bytes { metadata[LogKey.bytes] = "\(bytes)" }
        logger.info("model step", metadata: metadata)
        changed()
    }
}

/// A duration as milliseconds with three digits behind the point.
func milliseconds(_ duration: Duration) -> String {
    let microseconds = duration.components.seconds * 1_000_000 + duration.components.attoseconds / 1_000_000_000_000
    let digits = String(microseconds % 1000)
    return "\(microseconds / 1000)." + String(repeating: "0", count: 3 - digits.count) + digits
}
