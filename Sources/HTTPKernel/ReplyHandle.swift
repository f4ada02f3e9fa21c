import NIOCore
import Synchronization

/// Who sends a reply that comes later. On its loop.
protocol ReplyTarget: AnyObject {
    /// - Parameters:
    ///   - response: nil when the handle was let go.
    ///   - serial: of the request; a reply to any but the one in work is dropped.
    func reply(_ response: Response?, serial: UInt64)
}

/// The right to answer one gathered request, once and from any thread.
///
/// Letting go of a handle that was not completed answers 500, so that no client waits for ever.
package final class ReplyHandle: Sendable {
    private let loop: any EventLoop
    private let connection: NIOLoopBound<any ReplyTarget>
    private let serial: UInt64
    private let isCompleted = Atomic<Bool>(false)

    init(connection: any ReplyTarget, serial: UInt64, loop: any EventLoop) {
        self.loop = loop
        self.connection = NIOLoopBound(connection, eventLoop: loop)
        self.serial = serial
    }

    deinit {
        if !self.isCompleted.load(ordering: .relaxed) { self.send(nil) }
    }

    /// Sends the answer. Only the first call counts; to a client that has gone it does nothing.
    package func complete(_ response: Response) {
        guard !self.isCompleted.exchange(true, ordering: .acquiringAndReleasing) else { return }
        self.send(response)
    }

    private func send(_ response: Response?) {
        self.loop.execute { [connection, serial] in connection.value.reply(response, serial: serial) }
    }
}
