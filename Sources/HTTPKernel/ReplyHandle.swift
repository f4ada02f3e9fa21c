import NIOCore
import Synchronization

/// The right to answer one gathered request, once and from any thread.
///
/// Letting go of a handle that was not completed answers 500, so that no client waits for ever.
package final class ReplyHandle: Sendable {
    private let loop: any EventLoop
    private let connection: NIOLoopBound<HTTPConnection>
    private let serial: UInt64
    private let isCompleted = Atomic<Bool>(false)

    init(connection: HTTPConnection, serial: UInt64, loop: any EventLoop) {
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
