import Digests
package import Handoff
import ModelImage
package import ModelTypes
package import NIOCore
package import Names
import Scoring
package import SealedMemory
import Synchronization
import Telemetry
import Threads

/// The executor's models as the control side sees them: takes images in, gives them to every loop, and ends them.
///
/// All that is slow happens on control threads: mapping, validating, populating, unmapping. A loop only exchanges a pointer.
package final class ModelRegistry: ImageHolder {
    private let tables: [ModelTable]
    private struct Names {
        var held: Set<Name> = []
        /// Of those held, the ones that are not answered for.
        var unloaded: Set<Name> = []
    }

    private let names = Mutex(Names())
    private let draining = Atomic(false)
    private let swapCount = Atomic<UInt64>(0)
    private let startSeconds = wallClockSeconds()
    private let reaper: Reaper
    private let admission: Admission
    private let runtime: (any GraphRuntime)?

    /// - Parameters:
    ///   - groups: every loop of them gets a table; requests on other loops find no model.
    ///   - limits: of all loops together.
    ///   - runtime: runs graphs that no kernel does; nil where none may.
    package init(
        groups: [any EventLoopGroup], limits: InferenceLimits = InferenceLimits(), runtime: (any GraphRuntime)? = nil
    ) {
        self.runtime = runtime
        let reaper = Reaper()
        self.reaper = reaper
        let admission = Admission(limits)
        self.admission = admission
        let loops = groups.flatMap { Array($0.makeIterator()) }
        self.tables = loops.enumerated().map { index, loop in
            ModelTable(loop: loop, index: index, admission: admission) {
                reaper.reap($0)
            }
        }
    }

    package convenience init(group: any EventLoopGroup) { self.init(groups: [group]) }

    package var imageVersions: [UInt16] { [ModelImageView.version] }

    /// Whether predictions can be asked for: a model is live and the program is not about to end.
    package var isReady: Bool {
        !draining.load(ordering: .relaxed) && names.withLock { $0.held.count > $0.unloaded.count }
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
        names.withLock { _ = $0.held.insert(offer.model) }
        swapCount.add(1, ordering: .relaxed)
    }

    package func retire(model: Name) {
        names.withLock { names in
            names.held.remove(model)
            names.unloaded.remove(model)
        }
        eachLoop { $0.remove(named: model) }
    }

    /// All loops' counts, each taken on its loop.
    ///
    /// - Parameter loop: where the future completes.
    func metrics(on loop: any EventLoop) -> EventLoopFuture<MetricsPage> {
        let readings = tables.map { table in table.loop.submit { table.reading } }
        return EventLoopFuture.whenAllSucceed(readings, on: loop).map { [self] in
            MetricsPage(
                $0, inFlightCount: admission.count, pendingBytes: admission.bytes,
                swapCount: swapCount.load(ordering: .relaxed),
                liveCount: names.withLock { $0.held.subtracting($0.unloaded).count }, startSeconds: startSeconds)
        }
    }

    /// Stops answering for a model, or begins again; the image stays held either way.
    ///
    /// - Parameter loop: the caller's, which must not wait for the others.
    /// - Returns: done when every loop has done so; nil when the model is not held.
    func setServing(_ isServing: Bool, model: Name, on loop: any EventLoop) -> EventLoopFuture<Void>? {
        let isHeld = names.withLock { names in
            guard names.held.contains(model) else { return false }
            if isServing { names.unloaded.remove(model) } else { names.unloaded.insert(model) }
            return true
        }
        guard isHeld else { return nil }
        let switched = tables.map { table in table.loop.submit { table.setServing(isServing, named: model) } }
        return .andAllSucceed(switched, on: loop)
    }

    /// What was asked of the models that are answered for, all loops together.
    ///
    /// - Parameters:
    ///   - name: of one model; nil for all.
    ///   - loop: the caller's, which must not wait for the others.
    func statistics(ofModel name: Name?, on loop: any EventLoop) -> EventLoopFuture<[ModelCounts]> {
        let counted = tables.map { table in
            table.loop.submit {
                table.entries.filter { $0.isServing && (name == nil || $0.slot.name == name) }.map { entry in
                    ModelCounts(
                        entry: entry.slot.repositoryEntry(isReady: true), counts: entry.slot.tensorStatistics)
                }
            }
        }
        return EventLoopFuture.whenAllSucceed(counted, on: loop).map(ModelCounts.merged)
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
        let predictor = try predictor(view)
        return LoadedModel(
            name: offer.model, version: offer.version, generation: offer.generation, memory: mapped, view: view,
            predictor: predictor, loopCount: tables.count)
    }

    /// What answers for the image; of a graph a session, made and warmed here and gone with the generation.
    private func predictor(_ view: ModelImageView) throws(ImageRefusal) -> Predictor {
        do throws(PredictorError) {
            return try Predictor(view, runtime: runtime)
        } catch .noRuntime {
            let remedy = "start this executor with --onnx-runtime and the path of its library"
            throw ImageRefusal(code: .other, reason: "\(PredictorError.noRuntime): \(remedy)")
        } catch {
            throw ImageRefusal(code: .invalidImage, reason: "\(error)")
        }
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
