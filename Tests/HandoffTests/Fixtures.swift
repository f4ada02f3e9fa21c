import Digests
import Glibc
import Names
import SealedMemory
import Synchronization

@testable import Handoff

/// An executor without loops: adopts what it is told to, and remembers the calls.
final class RecordingHolder: ImageHolder {
    enum Call: Equatable, Sendable {
        case adopt(generation: UInt64, content: [UInt8])
        case retire(Name)
    }

    let imageVersions: [UInt16] = [1, 2]
    private let calls = Mutex<[Call]>([])
    private let refusal = Mutex<ImageRefusal?>(nil)

    func refuseNext(_ refusal: ImageRefusal) { self.refusal.withLock { $0 = refusal } }
    var recorded: [Call] { calls.withLock { $0 } }

    func adopt(_ offer: ImageOffer, memory: borrowing SealedMemory) throws(ImageRefusal) {
        if let refusal = refusal.withLock({ $0.take() }) { throw refusal }
        let mapped: MappedMemory
        do throws(SealedMemoryError) {
            mapped = try memory.mapped()
        } catch {
            throw ImageRefusal(code: .other, reason: "\(error)")
        }
        let content = mapped.copied
        calls.withLock { $0.append(.adopt(generation: offer.generation, content: content)) }
    }

    func retire(model: Name) { calls.withLock { $0.append(.retire(model)) } }
}

extension MappedMemory {
    var copied: [UInt8] { Array(bytes) }
}

/// A queue between the link's thread and a test.
final class Inbox<Element: Sendable>: Sendable {
    private let stream: AsyncStream<Element>
    private let continuation: AsyncStream<Element>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func put(_ element: Element) { continuation.yield(element) }

    /// The next element for which the filter has an answer; others are skipped.
    func next<Answer>(where answer: (Element) -> Answer?) async -> Answer? {
        for await element in stream { if let found = answer(element) { return found } }
        return nil
    }
}

/// A listener and a link between which a test can act, at a socket of its own.
struct Pair {
    let path: String
    let holder = RecordingHolder()
    let notes = Inbox<HandoffNote>()
    let events = Inbox<ExecutorLink.Event>()
    let listener: HandoffListener
    let link: ExecutorLink

    init() throws {
        path = temporaryPath()
        let notes = notes
        let events = events
        listener = try HandoffListener(path: path, allowedUID: geteuid(), holder: holder) { notes.put($0) }
        link = ExecutorLink(path: path) { events.put($0) }
    }

    /// Starts the link and waits for the greeting.
    func connect() async -> (hello: Hello, live: [HeldImage], draining: [HeldImage])? {
        link.start()
        return await events.connected()
    }

    func stop() {
        link.stop()
        listener.stop()
    }
}

extension Inbox<ExecutorLink.Event> {
    func connected() async -> (hello: Hello, live: [HeldImage], draining: [HeldImage])? {
        await next {
            if case .connected(let hello, let live, let draining) = $0 { (hello, live, draining) } else { nil }
        }
    }
    func live() async -> UInt64? { await next { if case .live(let generation) = $0 { generation } else { nil } } }
    func released() async -> UInt64? {
        await next { if case .released(let generation) = $0 { generation } else { nil } }
    }
    func refused() async -> (UInt64, ImageRefusal)? {
        await next { if case .refused(let generation, let refusal) = $0 { (generation, refusal) } else { nil } }
    }
    func disconnected() async -> HandoffError? {
        await next { if case .disconnected(let error) = $0 { error } else { nil } }
    }
    func unreachable() async -> HandoffError? {
        await next { if case .unreachable(let error) = $0 { error } else { nil } }
    }
}

func temporaryPath() -> String { "/tmp/lodestore-handoff-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock" }

func digest(_ byte: UInt8) -> ContentDigest { ContentDigest(bytes: Array(repeating: byte, count: 32))! }

func makeOffer(
    _ generation: UInt64, model: Name = "filter", content: [UInt8], version: String = "v1", imageVersion: UInt16 = 1
) throws -> ImageOffer {
    try ImageOffer(
        generation: generation, model: model, version: version, artifactDigest: digest(1), imageDigest: digest(2),
        imageVersion: imageVersion, sizeBytes: UInt64(content.count))
}
