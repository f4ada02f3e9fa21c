package import Dispatch
package import NIOCore

/// The direct loops of a program. They belong to whoever made them, as an event loop group does, and end with it.
package final class DirectLoops: EventLoopGroup, Sendable {
    package let loops: [DirectLoop]

    /// - Parameter busyPoll: how long a loop that has just answered looks for more before it sleeps.
    package init(count: Int, busyPoll: Duration = .zero) throws(HTTPServerError) {
        precondition(count > 0, "a group has a loop")
        var loops: [DirectLoop] = []
        do throws(HTTPServerError) {
            for index in 0..<count {
                loops.append(try DirectLoop(name: "direct-\(index)", busyPoll: BusyPoll(busyPoll)))
            }
        } catch {
            for loop in loops { loop.shutdownGracefully(queue: .global()) { _ in } }
            throw error
        }
        self.loops = loops
    }

    package func next() -> any EventLoop { self.loops[0] }

    package func any() -> any EventLoop { self.loops[0] }

    package func makeIterator() -> EventLoopIterator { EventLoopIterator(self.loops) }

    package func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        let all = DispatchGroup()
        for loop in self.loops {
            all.enter()
            loop.shutdownGracefully(queue: queue) { _ in all.leave() }
        }
        all.notify(queue: queue) { callback(nil) }
    }
}
