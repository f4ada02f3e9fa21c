import DurableFiles
import Glibc
import SealedMemory
import Synchronization
import Threads

/// The executor's end: listens on the control socket, takes images from one sidecar at a time, and keeps their memory
/// for the sidecar that comes after it.
package final class HandoffListener: Sendable {
    private let path: String
    private let allowedUserID: UInt32
    private let holder: any ImageHolder
    private let log: @Sendable (HandoffNote) -> Void
    private let listening: Int32
    private let held = Mutex(HeldImages())
    private let accepting = Mutex<WorkerThread?>(nil)

    /// Binds the path with mode 0600 and starts to listen on threads of its own.
    ///
    /// What an ended process left at the path is replaced.
    ///
    /// - Parameters:
    ///   - path: 1 to 107 bytes.
    ///   - allowedUID: the user as whom the sidecar runs; the socket is given to this user when it is another than ours.
    /// - Throws: ``HandoffError/addressInUse(path:)``, ``HandoffError/unusablePath(_:)``, ``HandoffError/system(cause:)``.
    package init(
        path: String, allowedUID: UInt32, holder: any ImageHolder, log: @escaping @Sendable (HandoffNote) -> Void
    ) throws(HandoffError) {
        self.path = path
        self.allowedUserID = allowedUID
        self.holder = holder
        self.log = log
        self.listening = try bindControlSocket(path: path, allowedUserID: allowedUID)
        accepting.withLock { $0 = WorkerThread(name: "handoff-accept") { [self] in acceptAll() } }
    }

    /// The last request on a generation has ended and its mapping is gone: closes the memory and tells the sidecar.
    ///
    /// From any thread, once for each generation. Blocks for at most five seconds, when the sidecar does not read.
    package func release(generation: UInt64) {
        let listener = held.withLock { $0.release(generation: generation) }
        log(.released(generation: generation))
        // A failure ends the session, whose thread then says so; the next sidecar reads the truth from the hello.
        try? listener?.send(.released(generation: generation))
    }

    /// Every generation held now, in the order in which they came.
    package var heldImages: [HeldImage.Summary] { held.withLock { $0.summaries } }

    /// Says farewell, closes everything, waits for the threads, and removes the socket from the file system.
    ///
    /// The images stay with the holder. Not to be called from within the holder's own methods.
    package func stop() {
        let session = held.withLock { $0.stop() }
        if let session {
            // The sidecar learns of the end in any case; this only says why.
            try? session.send(.farewell(Farewell(code: .shuttingDown, reason: "the executor ends")))
            session.close()
        }
        guard let thread = accepting.withLock({ $0.take() }) else { return }
        _ = shutdown(listening, Int32(SHUT_RDWR))
        thread.join()
        close(listening)
        unsafe unlink(path)
    }

    // MARK: Accepting

    private func acceptAll() {
        var session: WorkerThread?
        while true {
            let socket: DescriptorSocket
            do throws(SealedMemoryError) {
                socket = try DescriptorSocket(acceptedOn: listening)
            } catch {
                if held.withLock({ $0.isStopped }) { break }
                if isPassing(error) { continue }
                log(.listeningFailed(.system(cause: error)))
                break
            }
            guard let peer = acceptedPeer(socket) else { continue }
            let stream = MessageStream(socket)
            switch held.withLock({ $0.admit(stream) }) {
            case .stopped: stream.close()
            case .busy:
                log(.refusedSecond(processID: peer))
                // The connection is closed next; this only says why.
                try? stream.send(.farewell(Farewell(code: .busy, reason: "another sidecar is connected")))
                stream.close()
            case .admitted:
                // The session before has ended, or this one would not have been admitted.
                session?.join()
                log(.connected(processID: peer))
                session = WorkerThread(name: "handoff-session") { [self] in serve(stream) }
            }
        }
        session?.join()
    }

    /// The errors of accept(2) after which the next call may succeed; a pause where a resource has to come back.
    private func isPassing(_ error: SealedMemoryError) -> Bool {
        guard case .system(_, let code) = error else { return false }
        switch code {
        case EINTR, ECONNABORTED, EAGAIN: return true
        case EMFILE, ENFILE, ENOBUFS, ENOMEM:
            usleep(50_000)
            return true
        default: return false
        }
    }

    /// The peer's process, or nil when its user may not talk here.
    private func acceptedPeer(_ socket: DescriptorSocket) -> Int32? {
        do {
            let peer = try socket.peer()
            if peer.userID == allowedUserID { return peer.processID }
            log(.refusedPeer(userID: peer.userID))
        } catch {
            log(.disconnected(.system(cause: error)))
        }
        return nil
    }

    // MARK: One session

    private func serve(_ stream: MessageStream) {
        var reason = HandoffError.ended
        do throws(HandoffError) {
            // Nobody else can send until the greeting is out, so that every release is either in it or after it.
            try stream.send(deciding: { held.withLock { $0.greeting(imageVersions: holder.imageVersions) } })
            try expectBegin(stream)
            while true { try answer(try stream.receive(within: nil), on: stream) }
        } catch {
            reason = error
        }
        if case .violation(let what) = reason {
            // The connection is closed next; this only says why.
            try? stream.send(.farewell(Farewell(code: .violation, reason: what)))
        }
        stream.close()
        log(.disconnected(reason))
        held.withLock { $0.endSession() }
    }

    private func expectBegin(_ stream: MessageStream) throws(HandoffError) {
        let arrival = try stream.receive(within: MessageStream.patience)
        switch arrival.message {
        case .begin(let version) where Hello.spokenVersions.contains(version): return
        case .begin(let version): throw .noCommonVersion(lowest: version, highest: version)
        case .farewell(let farewell): throw .farewell(farewell)
        default: throw .violation("no begin after the hello")
        }
    }

    private func answer(_ arrival: consuming MessageStream.Arrival, on stream: MessageStream) throws(HandoffError) {
        let message = arrival.message
        switch message {
        case .offer(let offer):
            do throws(ImageRefusal) {
                // The stream takes no offer without a descriptor: it came, and could not be kept.
                guard let descriptor = arrival.descriptor.take() else {
                    throw shortage() ?? ImageRefusal(code: .outOfMemory, reason: "Too many open files in the system")
                }
                // A model keeps its descriptor for as long as it is served; connections need some too.
                if let refusal = shortage() { throw refusal }
                try adopt(offer, descriptor)
            } catch {
                log(.refused(offer, error))
                return try stream.send(.refused(generation: offer.generation, error))
            }
            try stream.send(.live(generation: offer.generation))
        case .retire(let model):
            holder.retire(model: model)
            held.withLock { $0.retire(model: model) }
            log(.retired(model: model))
        case .farewell(let farewell): throw .farewell(farewell)
        default: throw .violation("a message that only an executor sends")
        }
    }

    private func shortage() -> ImageRefusal? {
        OpenDescriptors.shortage().map { ImageRefusal(code: .outOfMemory, reason: $0) }
    }

    private func adopt(_ offer: ImageOffer, _ descriptor: consuming ReceivedDescriptor) throws(ImageRefusal) {
        let began = ContinuousClock.now
        let image: HeldImage
        do throws(SealedMemoryError) {
            image = HeldImage(offer: offer, memory: try SealedMemory(received: descriptor))
        } catch {
            throw ImageRefusal(code: .invalidImage, reason: "\(error)")
        }
        let versions = holder.imageVersions
        let objection = held.withLock { held in
            let objection = held.objection(
                to: offer, memorySizeBytes: image.memory.sizeBytes, imageVersions: versions)
            if objection == nil { held.begin(image) }
            return objection
        }
        if let objection { throw objection }
        do throws(ImageRefusal) {
            try holder.adopt(offer, memory: image.memory)
        } catch {
            held.withLock { $0.forget(generation: offer.generation) }
            throw error
        }
        held.withLock { $0.becameLive(offer) }
        log(.adopted(offer, ContinuousClock.now - began))
    }
}
