import Handoff
import Names
import SealedMemory
import Synchronization

/// One executor: its connection, and the generations given out to it.
///
/// Offers are decided and sent under one lock, so that they arrive in the order in which they were decided.
final class ExecutorSlot: Sendable {
    private struct State: ~Copyable {
        var lastGeneration: UInt64 = 0
        var isConnected = false
        /// Why there is no connection; nil before the first attempt ends.
        var problem: String?
        var connectedAt: ContinuousClock.Instant?
        /// The problems that were said, until a connection holds: two may take turns.
        var saidProblems: [String] = []
        /// Whether the connection after it was said.
        var isConnectionSaid = false
    }

    /// A connection that held for so long was one, and what ends it is said anew.
    private static let settledTime = Duration.seconds(2)

    let path: Name
    private let state = Mutex(State())
    private let link: ExecutorLink

    /// - Parameter events: as `ExecutorLink` has it.
    init(path: Name, events: @escaping @Sendable (ExecutorLink.Event) -> Void) {
        self.path = path
        self.link = ExecutorLink(path: path.text, events: events)
    }

    func start() { link.start() }
    func stop() { link.stop() }

    /// - Returns: whether the same was said already, as of a connection that comes and goes for one reason.
    func connected(highestGeneration: UInt64) -> Bool {
        state.withLock { state in
            state.lastGeneration = max(state.lastGeneration, highestGeneration)
            state.isConnected = true
            state.problem = nil
            state.connectedAt = .now
            defer { state.isConnectionSaid = true }
            return state.isConnectionSaid
        }
    }

    /// - Returns: whether the same was said already, and no connection has held since.
    func disconnected(_ problem: String) -> Bool {
        state.withLock { state in
            if let connectedAt = state.connectedAt.take(), ContinuousClock.now - connectedAt >= Self.settledTime {
                state.saidProblems = []
            }
            state.isConnected = false
            state.problem = problem
            if state.saidProblems.contains(problem) { return true }
            state.saidProblems.append(problem)
            state.isConnectionSaid = false
            return false
        }
    }

    var status: (isConnected: Bool, problem: String?) { state.withLock { ($0.isConnected, $0.problem) } }

    /// Offers what a model wants on this executor, if anything.
    ///
    /// - Returns: why the offer could not be sent; the loss of the connection is told by its event as well.
    func update(_ entry: ModelEntry) -> HandoffError? {
        state.withLock { state in
            guard state.isConnected else { return nil }
            guard state.lastGeneration < ImageOffer.generationLimit else {
                return .unusableOffer("no generation left above \(state.lastGeneration)")
            }
            let generation = state.lastGeneration + 1
            let due = entry.machine.withLock { machine -> HotImage? in
                guard let image = machine.due(path) else { return nil }
                machine.offered(image, generation: generation, to: path)
                return image
            }
            guard let image = due else { return nil }
            state.lastGeneration = generation
            do throws(HandoffError) {
                try link.offer(try image.offer(generation: generation), memory: image.memory)
                return nil
            } catch {
                return error
            }
        }
    }
}

/// One model and the lock around its state.
final class ModelEntry: Sendable {
    let model: Name
    let machine: Mutex<ModelMachine>

    init(model: Name, clock: SyncClock) {
        self.model = model
        self.machine = Mutex(ModelMachine(model: model, clock: clock))
    }
}
