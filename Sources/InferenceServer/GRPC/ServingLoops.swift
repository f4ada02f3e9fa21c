import InferenceWire
import NIOCore
import NIOPosix
import Synchronization

/// The serving loops as callers on other threads reach them: each call is one step on one loop, in turn.
final class ServingLoops: Sendable {
    private let loops: [NIOLoopBound<OpenInferenceLoop>]
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

    /// Runs a step on the next loop and waits for the answer.
    ///
    /// - Parameter step: runs on the loop; the promise is completed then or later, from any thread.
    func call(
        _ step: @escaping @Sendable (OpenInferenceLoop, EventLoopPromise<ByteBuffer>) -> Void
    ) async throws -> ByteBuffer {
        let bound = loops[turn.add(1, ordering: .relaxed).oldValue % loops.count]
        let promise = bound.eventLoop.makePromise(of: ByteBuffer.self)
        bound.eventLoop.execute { step(bound.value, promise) }
        return try await promise.futureResult.get()
    }
}
