import InferenceWire
import NIOCore
import NIOPosix
import Synchronization

/// The serving loops as callers on other threads reach them: each call is one step on one loop, in turn.
final class ServingLoops: Sendable {
    let loops: [NIOLoopBound<OpenInferenceLoop>]
    private let turn = Atomic(0)

    init(
        _ group: MultiThreadedEventLoopGroup, _ make: @escaping @Sendable (any EventLoop) -> OpenInferenceLoop
    ) async throws {
        var loops: [NIOLoopBound<OpenInferenceLoop>] = []
        for loop in group.makeIterator() {
            loops.append(try await loop.submit { NIOLoopBound(make(loop), eventLoop: loop) }.get())
        }
        self.loops = loops
    }

    /// Counts a request for predictions that was refused before a loop had it.
    func noteRefused(_ refusal: OpenInferenceRefusal) {
        let bound = next()
        bound.eventLoop.execute { bound.value.noteRefused(refusal) }
    }

    /// Runs a step on the next loop and waits for the answer.
    ///
    /// - Parameter step: runs on the loop; the promise is completed then or later, from any thread.
    func call(
        _ step: @escaping @Sendable (OpenInferenceLoop, EventLoopPromise<ByteBuffer>) -> Void
    ) async throws -> ByteBuffer {
        let bound = next()
        let promise = bound.eventLoop.makePromise(of: ByteBuffer.self)
        bound.eventLoop.execute { step(bound.value, promise) }
        return try await promise.futureResult.get()
    }

    private func next() -> NIOLoopBound<OpenInferenceLoop> {
        loops[turn.add(1, ordering: .relaxed).oldValue % loops.count]
    }
}
