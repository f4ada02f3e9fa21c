import Glibc
package import Names
package import SealedMemory
import Synchronization
import Threads

/// The sidecar's end: connects to one executor, again and again, on a thread of its own, and hands images over.
package final class ExecutorLink: Sendable {
    /// What comes from the executor, in order.
    package enum Event: Sendable {
        /// Connected, and the executor has said what it holds. Whatever was offered before and is not here is lost.
        case connected(Hello, live: [HeldImage], draining: [HeldImage])
        /// Every event loop has switched to the generation.
        case live(generation: UInt64)
        case refused(generation: UInt64, ImageRefusal)
        /// The last request on the generation has ended.
        case released(generation: UInt64)
        /// The connection was lost; sent once, until the next `connected`.
        case disconnected(HandoffError)
        /// An attempt to connect failed; sent when the reason is another than that of the attempt before.
        case unreachable(HandoffError)
    }

    /// The pauses between attempts to connect: each twice the one before, up to the longest, and of each a random part of at
    /// least half.
    ///
    /// A connection that is lost at once is an attempt like one that failed: the pauses begin anew only after one that held for
    /// as long as the longest pause. An executor that greets and then cannot go on is not asked again and again.
    package struct Pauses: Sendable {
        package let shortest: Duration
        package let longest: Duration

        package init(shortest: Duration = .milliseconds(10), longest: Duration = .seconds(2)) {
            self.shortest = shortest
            self.longest = longest
        }

        /// The pause after one, drawn anew.
        func next(after pause: Duration) -> Duration { min(pause * 2, longest) }
        func drawn(_ pause: Duration) -> Duration { pause * Double.random(in: 0.5...1) }
    }

    package let path: String
    private let pauses: Pauses
    private let events: @Sendable (Event) -> Void
    private let stopping = StopSignal()
    private let state = Mutex(State())

    private struct State: ~Copyable {
        /// The connection that is being greeted, only to be closed by `stop`.
        var opening: MessageStream?
        var stream: MessageStream?
        var isStopped = false
        var thread: WorkerThread?
    }

    /// - Parameters:
    ///   - path: the executor's control socket.
    ///   - events: called on the link's thread, one event at a time; must not call ``stop()``.
    package init(path: String, pauses: Pauses = Pauses(), events: @escaping @Sendable (Event) -> Void) {
        self.path = path
        self.pauses = pauses
        self.events = events
    }

    /// Starts to connect. Once only.
    package func start() {
        state.withLock { state in
            precondition(state.thread == nil && !state.isStopped, "a link is started once")
            state.thread = WorkerThread(name: "handoff-link") { [self] in run() }
        }
    }

    /// Closes the connection, which leaves the executor serving what it holds, and waits for the thread.
    package func stop() {
        let (stream, thread) = state.withLock { state -> (MessageStream?, WorkerThread?) in
            state.isStopped = true
            return (state.stream ?? state.opening, state.thread.take())
        }
        stopping.signal()
        stream?.close()
        thread?.join()
    }

    /// Offers an image. The answer is the event `live` or `refused` with its generation, or the loss of the connection.
    ///
    /// - Throws: ``HandoffError/notConnected``, or ``HandoffError/system(cause:)`` after which `disconnected` follows.
    package func offer(_ offer: ImageOffer, memory: borrowing SealedMemory) throws(HandoffError) {
        try connected().send(.offer(offer), memory: memory)
    }

    /// Takes a model out of service; a `released` follows for each generation of it.
    ///
    /// - Throws: as ``offer(_:memory:)``.
    package func retire(model: Name) throws(HandoffError) {
        try connected().send(.retire(model: model))
    }

    private func connected() throws(HandoffError) -> MessageStream {
        guard let stream = state.withLock({ $0.stream }) else { throw .notConnected }
        return stream
    }

    // MARK: The thread

    private func run() {
        var pause = pauses.shortest
        var lastFailure: HandoffError?
        while !state.withLock({ $0.isStopped }) {
            do throws(HandoffError) {
                let stream = try connect()
                let greeting = try greet(stream)
                guard becomeConnected(stream) else { return }
                let began = ContinuousClock.now
                lastFailure = nil
                events(greeting)
                let reason = listen(to: stream)
                if ContinuousClock.now - began >= pauses.longest { pause = pauses.shortest }
                state.withLock { $0.stream = nil }
                stream.close()
                events(.disconnected(reason))
            } catch {
                if lastFailure != error { events(.unreachable(error)) }
                lastFailure = error
            }
            if stopping.wait(atMost: pauses.drawn(pause)) { return }
            pause = pauses.next(after: pause)
        }
    }

    private func connect() throws(HandoffError) -> MessageStream {
        let stream: MessageStream
        do throws(SealedMemoryError) {
            stream = MessageStream(try DescriptorSocket(connectingTo: path))
        } catch {
            throw .system(cause: error)
        }
        try state.withLock { state throws(HandoffError) in
            if state.isStopped { throw .notConnected }
            state.opening = stream
        }
        return stream
    }

    /// Hears the hello and what is held, and begins.
    private func greet(_ stream: MessageStream) throws(HandoffError) -> Event {
        let hello: Hello
        switch try stream.receive(within: MessageStream.patience).message {
        case .hello(let said): hello = said
        case .farewell(let farewell): throw .farewell(farewell)
        default: throw .violation("no hello")
        }
        guard let version = hello.commonVersion else {
            throw .noCommonVersion(
                lowest: hello.protocolVersions.lowerBound, highest: hello.protocolVersions.upperBound)
        }
        var live: [HeldImage] = []
        var draining: [HeldImage] = []
        for _ in 0..<hello.heldCount {
            var arrival = try stream.receive(within: MessageStream.patience)
            guard case .held(let offer, let phase) = arrival.message else {
                throw .violation("fewer held images than the hello says")
            }
            // It came, and this process may have no other open.
            guard let descriptor = arrival.descriptor.take() else {
                throw .system(cause: .system(call: "recvmsg", errno: EMFILE))
            }
            // Or a generation could be given out that is in use.
            guard offer.generation <= hello.highestGeneration else {
                throw .violation("generation \(offer.generation) held, above the highest that the hello says")
            }
            let image = try held(offer, descriptor)
            if phase == .live { live.append(image) } else { draining.append(image) }
        }
        try stream.send(.begin(version: version))
        return .connected(hello, live: live, draining: draining)
    }

    private func held(_ offer: ImageOffer, _ descriptor: consuming ReceivedDescriptor) throws(HandoffError) -> HeldImage
    {
        let image: HeldImage
        do throws(SealedMemoryError) {
            image = HeldImage(offer: offer, memory: try SealedMemory(received: descriptor))
        } catch {
            throw .violation("generation \(offer.generation) comes back unsealed: \(error)")
        }
        guard UInt64(image.memory.sizeBytes) == offer.sizeBytes else {
            throw .violation("generation \(offer.generation) comes back with another size")
        }
        return image
    }

    private func becomeConnected(_ stream: MessageStream) -> Bool {
        state.withLock { state in
            state.opening = nil
            if state.isStopped { return false }
            state.stream = stream
            return true
        }
    }

    /// Passes on what the executor says, until the connection ends.
    private func listen(to stream: MessageStream) -> HandoffError {
        do throws(HandoffError) {
            while true {
                switch try stream.receive(within: nil).message {
                case .live(let generation): events(.live(generation: generation))
                case .refused(let generation, let refusal): events(.refused(generation: generation, refusal))
                case .released(let generation): events(.released(generation: generation))
                case .farewell(let farewell): return .farewell(farewell)
                default: return .violation("a message that only a sidecar sends, or at the wrong time")
                }
            }
        } catch {
            return error
        }
    }
}
