import NIOCore
import Synchronization

/// One step of a streamed answer, on its way from the handler to the loop.
enum Output: Sendable {
    case whole(Response)
    case start(ResponseHead, BodyLength)
    case bytes(ByteBuffer)
    case file(FileSpan)
    case end
}

/// A range of a file whose descriptor the handler lends until `sent` is resumed; with nil when every byte has left.
struct FileSpan: Sendable {
    let descriptor: CInt
    let offset: UInt64
    let count: UInt64
    let sent: CheckedContinuation<HTTPKernelError?, Never>
}

/// The steps of one streamed answer that the loop has not performed yet, and the count of bytes that have not left.
///
/// Several steps share one wake-up of the loop; a handler that runs ahead of the client waits here.
final class OutputQueue: Sendable {
    /// How the handler ended.
    enum Finish: Sendable {
        case returned
        case threw(any Error)
    }

    /// How a wait for room ended.
    enum Room: Sendable {
        case found
        /// The client has taken nothing for a second; there may be room later.
        case stalled
        case failed(HTTPKernelError)
    }

    private struct Waiter {
        let lowBytes: Int
        let continuation: CheckedContinuation<Room, Never>
    }

    private enum Progress {
        case fresh
        /// Body bytes still owed; nil when the end is told by chunks or by closing.
        case started(owed: UInt64?)
        case ended
    }

    private struct State: ~Copyable {
        var progress = Progress.fresh
        var pending: [Output] = []
        var isScheduled = false
        var unsentBytes = 0
        var waiters: [Waiter] = []
        var failure: HTTPKernelError?
        var finish: Finish?
    }

    /// What one wake-up of the loop has to do.
    struct Batch: Sendable {
        var outputs: [Output]
        /// Set once the handler has ended.
        var finish: Finish?
    }

    private let state = Mutex(State())

    var isStarted: Bool {
        self.state.withLock { state in
            if case .fresh = state.progress { return false }
            return true
        }
    }

    // MARK: The handler's side

    /// Queues a step.
    ///
    /// - Parameter ownBytes: body bytes of the step.
    /// - Returns: whether the loop must be woken, and whether there is room for more.
    /// - Throws: what ended the answer, or `.wrongSequence`; the step is then not queued.
    func add(_ output: Output, bytes ownBytes: UInt64) throws(HTTPKernelError) -> (wakes: Bool, hasRoom: Bool) {
        let result: Result<(Bool, Bool), HTTPKernelError> = self.state.withLock { state in
            if let failure = state.failure { return .failure(failure) }
            if let reason = Self.advance(&state.progress, by: output, bytes: ownBytes) {
                return .failure(.wrongSequence(reason: reason))
            }
            state.pending.append(output)
            if case .bytes = output { state.unsentBytes += Int(ownBytes) }
            let wakes = !state.isScheduled
            state.isScheduled = true
            return .success((wakes, state.unsentBytes < HTTPLimits.outputHighBytes))
        }
        return try result.get()
    }

    /// Moves on by one step; the reason when it is out of turn.
    private static func advance(_ progress: inout Progress, by output: Output, bytes: UInt64) -> String? {
        switch (output, progress) {
        case (.whole, .fresh): progress = .ended
        case (.start(_, .unknown), .fresh): progress = .started(owed: nil)
        case (.start(_, .known(let count)), .fresh): progress = .started(owed: count)
        case (.bytes, .started(let owed)), (.file, .started(let owed)):
            guard let owed else { return nil }
            guard bytes <= owed else { return "more body than stated" }
            progress = .started(owed: owed - bytes)
        case (.end, .started(let owed)):
            guard owed ?? 0 == 0 else { return "less body than stated" }
            progress = .ended
        case (_, .ended): return "the answer has ended"
        case (_, .fresh): return "the answer has not started"
        case (_, .started): return "the answer has started"
        }
        return nil
    }

    /// Suspends until no more than so many bytes are unsent, or the client has taken nothing for a second.
    func waitForRoom(below lowBytes: Int) async -> Room {
        await withCheckedContinuation { continuation in
            let room: Room? = self.state.withLock { state in
                if let failure = state.failure { return .failed(failure) }
                if state.unsentBytes <= lowBytes { return .found }
                state.waiters.append(Waiter(lowBytes: lowBytes, continuation: continuation))
                return nil
            }
            if let room { continuation.resume(returning: room) }
        }
    }

    /// The handler has ended. Returns whether the loop must be woken.
    func finish(_ finish: Finish) -> Bool {
        self.state.withLock { state in
            state.finish = finish
            let wakes = !state.isScheduled
            state.isScheduled = true
            return wakes
        }
    }

    // MARK: The loop's side

    /// All that is queued.
    func take() -> Batch {
        self.state.withLock { state in
            state.isScheduled = false
            var outputs: [Output] = []
            swap(&outputs, &state.pending)
            return Batch(outputs: outputs, finish: state.finish)
        }
    }

    /// So many bytes have left.
    func sent(_ count: Int) {
        let ready = self.state.withLock { state in
            state.unsentBytes -= count
            guard !state.waiters.isEmpty else { return [Waiter]() }
            let unsent = state.unsentBytes
            let ready = state.waiters.filter { unsent <= $0.lowBytes }
            state.waiters.removeAll { unsent <= $0.lowBytes }
            return ready
        }
        for waiter in ready { waiter.continuation.resume(returning: .found) }
    }

    /// The client takes nothing: whoever waits may let go of what it holds meanwhile.
    func noteStall() {
        let waiters = self.state.withLock { state in
            var waiters: [Waiter] = []
            swap(&waiters, &state.waiters)
            return waiters
        }
        for waiter in waiters { waiter.continuation.resume(returning: .stalled) }
    }

    /// Nothing more can be sent: whoever waits, and whoever writes from now on, meets the error.
    func fail(_ error: HTTPKernelError) {
        let (waiters, dropped) = self.state.withLock { state in
            if state.failure == nil { state.failure = error }
            var waiters: [Waiter] = []
            swap(&waiters, &state.waiters)
            var dropped: [Output] = []
            swap(&dropped, &state.pending)
            return (waiters, dropped)
        }
        for waiter in waiters { waiter.continuation.resume(returning: .failed(error)) }
        for case .file(let span) in dropped { span.sent.resume(returning: error) }
    }
}
