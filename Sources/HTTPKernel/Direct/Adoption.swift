import NIOCore
import NIOPosix
import Synchronization

/// Makes channels of the connections that direct loops hand over, on the server's other loops in turn.
final class Adoption: Sendable {
    private let contexts: [NIOLoopBound<LoopContext>]
    private let next = Atomic<Int>(0)

    init(contexts: [NIOLoopBound<LoopContext>]) { self.contexts = contexts }

    /// The connection has been counted by the census and goes on counting until its channel is closed.
    func adopt(_ descriptor: CInt, _ facts: ConnectionFacts, _ inheritance: Inheritance) {
        let number = self.next.add(1, ordering: .relaxed).oldValue
        let bound = self.contexts[number % self.contexts.count]
        // It fails when the peer has gone or the loops have ended: the channel is then closed, and nobody is left to tell.
        _ = ClientBootstrap(group: bound.eventLoop)
            .channelOption(.maxMessagesPerRead, value: 4)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.recvAllocator, value: HTTPServer.receiveAllocator)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let context = bound.value
                    let census = context.census
                    channel.closeFuture.whenComplete { _ in census.leave() }
                    try channel.pipeline.syncOperations.addHandler(
                        HTTPConnection(shared: context, facts: facts, inheritance: inheritance))
                }
            }
            .withConnectedSocket(descriptor)
    }
}
