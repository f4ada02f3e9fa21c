import NIOCore
import Synchronization

/// The bytes of one streamed body between the loop that receives them and the task that reads them.
///
/// Bounded by pulling: the loop stops reading from the socket once `HTTPLimits.bodyQueueBytes` wait here, or fewer where the
/// reader asks for that, and goes on when the reader has taken half of them.
final class BodyQueue: Sendable {
    private struct State: ~Copyable {
        var buffers = CircularBuffer<ByteBuffer>()
        var waitingBytes = 0
        var isEnded = false
        var failure: HTTPKernelError?
        var reader: CheckedContinuation<Result<ByteBuffer?, HTTPKernelError>, Never>?
        /// The loop holds reading back until it is told to go on.
        var isPaused: Bool
        /// With so many bytes it does.
        var limitBytes = HTTPLimits.bodyQueueBytes
        /// Everything that has come.
        var receivedBytes: UInt64 = 0
    }

    private enum Step {
        case done(Result<ByteBuffer?, HTTPKernelError>, resumesReading: Bool)
        case wait
    }

    private let state: Mutex<State>

    /// - Parameter isPaused: reading starts only when the first byte is asked for (the client waits for `100 Continue`).
    init(isPaused: Bool) { self.state = Mutex(State(isPaused: isPaused)) }

    // MARK: The loop's side

    /// Takes bytes in. Returns whether the loop may go on reading.
    func append(_ buffer: ByteBuffer) -> Bool {
        let (reader, goesOn) = self.state.withLock { state in
            state.receivedBytes += UInt64(buffer.readableBytes)
            if let reader = state.reader.take() { return (Optional(reader), true) }
            state.buffers.append(buffer)
            state.waitingBytes += buffer.readableBytes
            if state.waitingBytes >= state.limitBytes { state.isPaused = true }
            return (nil, !state.isPaused)
        }
        reader?.resume(returning: .success(buffer))
        return goesOn
    }

    func finish() { self.close(nil) }

    /// What waits is dropped; the reader meets the error.
    func fail(_ error: HTTPKernelError) { self.close(error) }

    private func close(_ error: HTTPKernelError?) {
        let reader = self.state.withLock { state in
            guard !state.isEnded, state.failure == nil else {
                return Optional<CheckedContinuation<Result<ByteBuffer?, HTTPKernelError>, Never>>.none
            }
            if let error {
                state.failure = error
                state.buffers.removeAll()
                state.waitingBytes = 0
            } else {
                state.isEnded = true
            }
            return state.reader.take()
        }
        reader?.resume(returning: error.map { .failure($0) } ?? .success(nil))
    }

    /// Everything that has come so far, taken or not.
    var receivedBytes: UInt64 { self.state.withLock { $0.receivedBytes } }

    // MARK: The reader's side

    /// From now on nothing is read ahead of the reader: of what the client sends one read waits here, and no more.
    func readNothingAhead() { self.state.withLock { $0.limitBytes = 1 } }

    /// The next bytes, nil at the end.
    ///
    /// - Parameter resumeReading: called, on the reader's thread, when the loop should read on.
    func next(resumeReading: @Sendable () -> Void) async -> Result<ByteBuffer?, HTTPKernelError> {
        if case .done(let result, let resumes) = self.state.withLock({ Self.step(&$0) }) {
            if resumes { resumeReading() }
            return result
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (result, resumes) = self.state.withLock { state in
                    switch Self.step(&state) {
                    case .done(let result, let resumes): return (Optional(result), resumes)
                    case .wait:
                        precondition(state.reader == nil, "a body has one reader")
                        state.reader = continuation
                        let wasPaused = state.isPaused
                        state.isPaused = false
                        return (nil, wasPaused)
                    }
                }
                if resumes { resumeReading() }
                if let result { continuation.resume(returning: result) }
            }
        } onCancel: {
            self.fail(.connectionClosed)
        }
    }

    private static func step(_ state: inout State) -> Step {
        if let buffer = state.buffers.popFirst() {
            state.waitingBytes -= buffer.readableBytes
            let resumes = state.isPaused && state.waitingBytes <= state.limitBytes / 2
            if resumes { state.isPaused = false }
            return .done(.success(buffer), resumesReading: resumes && !state.isEnded)
        }
        if let failure = state.failure { return .done(.failure(failure), resumesReading: false) }
        if state.isEnded { return .done(.success(nil), resumesReading: false) }
        return .wait
    }
}
