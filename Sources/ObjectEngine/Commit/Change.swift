/// One request for a commit: decided by the writer, in commit order.
protocol Change: Sendable {
    associatedtype Outcome: Sendable

    /// Reads what it depends on through the draft and adds what it changes. What it added is taken back when it throws.
    func apply(to draft: inout CommitDraft) throws(EngineError) -> Outcome
}

/// A change on its way through the writer.
protocol Ticket: Sendable {
    /// Decides the change. False when it was refused; the draft is then to be taken back.
    func decide(_ draft: inout CommitDraft) -> Bool
    /// Whether this is no change but the wish to have the database opened anew, between two groups.
    var opensAnew: Bool { get }
    /// Tells whoever waits. A refused change has its own error; any other fails with `failure`, if there is one.
    func conclude(_ failure: EngineError?)
}

extension Ticket {
    var opensAnew: Bool { false }
}

/// A change and the one who waits for it.
final class PendingChange<Wanted: Change>: Ticket {
    private let change: Wanted
    private let conclusion: @Sendable (Result<Wanted.Outcome, EngineError>) -> Void
    // Sendable: touched by the writer's thread alone, between `decide` and `conclude`.
    nonisolated(unsafe) private var outcome: Result<Wanted.Outcome, EngineError>?

    init(_ change: Wanted, conclusion: @escaping @Sendable (Result<Wanted.Outcome, EngineError>) -> Void) {
        self.change = change
        self.conclusion = conclusion
    }

    func decide(_ draft: inout CommitDraft) -> Bool {
        do throws(EngineError) {
            unsafe outcome = .success(try change.apply(to: &draft))
            return true
        } catch {
            unsafe outcome = .failure(error)
            return false
        }
    }

    func conclude(_ failure: EngineError?) {
        guard let decided = unsafe outcome else { return conclusion(.failure(failure ?? .closed)) }
        switch (decided, failure) {
        case (.success, let failure?): conclusion(.failure(failure))
        default: conclusion(decided)
        }
    }
}
