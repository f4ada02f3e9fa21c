import Digests
package import Handoff
import ModelImage
package import NIOCore
package import SealedMemory
import Synchronization
import Threads

/// The executor's models as the control side sees them: takes images in, gives them to every loop, and ends them.
///
/// All that is slow happens on control threads: mapping, validating, populating, unmapping. A loop only exchanges a pointer.
package final class ModelRegistry: ImageHolder {
    private let tables: [ModelTable]
    private let liveNames = Mutex<Set<String>>([])
    private let draining = Atomic(false)
    private let reaper: Reaper

    /// - Parameter groups: every loop of them gets a table; requests on other loops find no model.
    package init(groups: [any EventLoopGroup]) {
        let reaper = Reaper()
        self.reaper = reaper
        self.tables = groups.flatMap { group in
            group.makeIterator().map { loop in ModelTable(loop: loop) { reaper.reap($0) } }
        }
    }

    package convenience init(group: any EventLoopGroup) { self.init(groups: [group]) }

    package var imageVersions: [UInt16] { [ModelImageView.version] }

    /// Whether predictions can be asked for: a model is live and the program is not about to end.
    package var isReady: Bool {
        !draining.load(ordering: .relaxed) && liveNames.withLock { !$0.isEmpty }
    }

    /// From now on the health checks say no, so that a load balancer sends no more.
    package func beginDraining() { draining.store(true, ordering: .relaxed) }

    /// Told the generation of each image whose last request has ended and whose mapping is gone.
    package func onRelease(_ handler: @escaping @Sendable (UInt64) -> Void) { reaper.onRelease(handler) }

    /// Waits until all that has ended is unmapped, and ends the thread that unmaps.
    package func stop() { reaper.stop() }

    func table(of loop: any EventLoop) -> ModelTable {
        guard let table = tables.first(where: { $0.loop === loop }) else {
            preconditionFailure("a request on a loop outside the group")
        }
        return table
    }

    package func adopt(_ offer: ImageOffer, memory: borrowing SealedMemory) throws(ImageRefusal) {
        guard !draining.load(ordering: .relaxed) else {
            throw ImageRefusal(code: .shuttingDown, reason: "the executor is about to end")
        }
        let model = ModelPointer(retaining: try load(offer, memory: memory))
        eachLoop { $0.install(model) }
        liveNames.withLock { _ = $0.insert(offer.model) }
    }

    package func retire(model: String) {
        liveNames.withLock { _ = $0.remove(model) }
        eachLoop { $0.remove(named: model) }
    }

    /// Maps, populates, validates. Nothing of the executor has changed when it throws.
    private func load(_ offer: ImageOffer, memory: borrowing SealedMemory) throws(ImageRefusal) -> LoadedModel {
        let mapped = try mapped(memory)
        let view: ModelImageView
        do throws(ModelImageError) {
            view = try unsafe ModelImageView(validating: mapped.bytes)
        } catch {
            throw ImageRefusal(code: .invalidImage, reason: "\(error)")
        }
        guard view.artifactDigest == offer.artifactDigest.bytes else {
            throw ImageRefusal(code: .invalidImage, reason: "the image is of another artifact than the offer says")
        }
        return LoadedModel(
            name: offer.model, version: offer.version, generation: offer.generation, memory: mapped, view: view,
            loopCount: tables.count)
    }

    /// The image in memory, with all its pages present, so that no loop takes a fault.
    private func mapped(_ memory: borrowing SealedMemory) throws(ImageRefusal) -> MappedMemory {
        do throws(SealedMemoryError) {
            let mapped = try memory.mapped()
            try mapped.populate()
            return mapped
        } catch {
            throw ImageRefusal(code: .outOfMemory, reason: "the image cannot be mapped: \(error)")
        }
    }

    /// Runs the step on every loop and returns when all have.
    private func eachLoop(_ step: @escaping @Sendable (ModelTable) -> Void) {
        let switched = tables.map { table in table.loop.submit { step(table) } }
        for future in switched {
            // A loop refuses work only after its group was shut down, and then no request can come either.
            try? future.wait()
        }
    }
}

/// Unmaps ended generations on a thread of its own: munmap of a large image takes milliseconds that no loop has.
private final class Reaper: Sendable {
    private struct State {
        var ended: [ModelPointer] = []
        var isStopping = false
        var handler: @Sendable (UInt64) -> Void = { _ in }
    }

    private let state = Mutex(State())
    private let wake = WakeUp()
    private let thread = Mutex<WorkerThread?>(nil)

    init() {
        thread.withLock { $0 = WorkerThread(name: "model-reaper") { [self] in run() } }
    }

    func onRelease(_ handler: @escaping @Sendable (UInt64) -> Void) { state.withLock { $0.handler = handler } }

    func reap(_ model: ModelPointer) {
        state.withLock { $0.ended.append(model) }
        wake.signal()
    }

    func stop() {
        state.withLock { $0.isStopping = true }
        wake.signal()
        thread.withLock { $0.take() }?.join()
    }

    private func run() {
        while true {
            wake.wait()
            let isStopping = state.withLock { $0.isStopping }
            while let generation = releaseOne() {
                let handler = state.withLock { $0.handler }
                handler(generation)
            }
            if isStopping { return }
        }
    }

    /// Takes the reference to one ended generation; with its end here, the image is unmapped.
    private func releaseOne() -> UInt64? {
        state.withLock { state in state.ended.isEmpty ? nil : state.ended.removeFirst() }?.take().generation
    }
}
