import Glibc
import InferenceWire
import NIOCore
import NIOPosix

/// What the protocol asks of one event loop, whichever form it comes in: finds models in the loop's table and has their
/// requests answered, on the loop or, where they are large, on a worker.
final class OpenInferenceLoop {
    typealias Outcome = Result<TensorReply, OpenInferenceError>

    let registry: ModelRegistry
    let table: ModelTable
    let limits: InferenceLimits
    private let workers: NIOThreadPool
    private let scoring = TensorScoring()

    /// - Parameters:
    ///   - loop: the loop on which every call will come.
    ///   - workers: running.
    init(registry: ModelRegistry, loop: any EventLoop, workers: NIOThreadPool, limits: InferenceLimits) {
        self.registry = registry
        self.table = registry.table(of: loop)
        self.workers = workers
        self.limits = limits
    }

    // MARK: Models

    /// The live generation of a model.
    ///
    /// - Parameter version: the one that is asked for; nil or empty for whichever is live.
    func slot(named name: String, version: String?) throws(OpenInferenceRefusal) -> ModelTable.Slot {
        guard let slot = table.slot(named: name) else {
            let shown = name.prefix(200)
            if table.isParked(name) {
                throw OpenInferenceRefusal(.unloaded, "model \"\(shown)\" is unloaded here; load it again")
            }
            guard !table.isEmpty else { throw OpenInferenceRefusal(.unavailable, "no model is live") }
            throw OpenInferenceRefusal(
                .notFound, "no model \"\(shown)\" is live; live are \(table.names.joined(separator: ", "))")
        }
        guard let version, !version.isEmpty else { return slot }
        let live = slot.model.withModel { $0.version }
        guard version == live else {
            throw OpenInferenceRefusal(
                .notFound,
                "model \"\(name)\" is live in version \(live); version \(version.prefix(200)) is not served here")
        }
        return slot
    }

    func index(_ request: IndexRequest) -> [RepositoryEntry] {
        table.entries.filter { $0.isServing || !request.isReadyOnly }.map {
            $0.slot.repositoryEntry(isReady: $0.isServing)
        }
    }

    /// Loads or unloads; done when every loop has.
    func setServing(_ isServing: Bool, _ request: LoadRequest) throws(OpenInferenceRefusal) -> EventLoopFuture<Void> {
        guard let done = registry.setServing(isServing, model: request.name, on: table.loop) else {
            throw OpenInferenceRefusal(
                .notFound, "no model \"\(request.name.prefix(200))\" is held; models come from the bucket alone")
        }
        return done
    }

    /// - Parameter name: of one model, which must be live; empty for all.
    func statistics(
        ofModel name: String, version: String?
    ) throws(OpenInferenceRefusal) -> EventLoopFuture<[ModelCounts]> {
        guard !name.isEmpty else { return registry.statistics(ofModel: nil, on: table.loop) }
        _ = try slot(named: name, version: version)
        return registry.statistics(ofModel: name, on: table.loop)
    }

    // MARK: Inference

    /// Answers a request here, or says what a worker is to do: then ``answerElsewhere(_:_:deliver:)`` must follow at once.
    enum Work {
        case done(Outcome)
        case elsewhere(@Sendable (LoadedModel) -> (Outcome, InferenceStatistics))
    }

    func infer(_ body: ByteBuffer, as wire: TensorWire, _ slot: ModelTable.Slot) -> Work {
        let limitRows = limits.rowCount
        // A slot in the table holds its model; it is let go of on this loop only, after it left the table.
        return slot.model.withModel { model in
            guard body.readableBytes <= limits.loopBytes else {
                return .elsewhere { model in
                    let scoring = TensorScoring()
                    let start = Self.now()
                    do throws(OpenInferenceError) {
                        let request = try scoring.read(body, as: wire, for: model, limitRows: limitRows)
                        return Self.finish(request, body, wire, model, scoring, start: start, read: Self.now())
                    } catch {
                        return Self.failure(error, start: start)
                    }
                }
            }
            let start = Self.now()
            do throws(OpenInferenceError) {
                let request = try scoring.read(body, as: wire, for: model, limitRows: limitRows)
                let read = Self.now()
                guard request.rowCount * max(model.treeCount, 1) > limits.loopWork else {
                    let (outcome, counts) = Self.finish(request, body, wire, model, scoring, start: start, read: read)
                    slot.tensorStatistics += counts
                    return .done(outcome)
                }
                let rows = scoring.takeRows(for: model)
                return .elsewhere { model in
                    let scoring = TensorScoring()
                    scoring.put(rows)
                    return Self.finish(request, body, wire, model, scoring, start: start, read: read)
                }
            } catch {
                let (outcome, counts) = Self.failure(error, start: start)
                slot.tensorStatistics += counts
                return .done(outcome)
            }
        }
    }

    /// Has a worker make the answer. The generation stays until it has.
    func answerElsewhere(
        _ slot: ModelTable.Slot, _ work: @escaping @Sendable (LoadedModel) -> (Outcome, InferenceStatistics),
        deliver: @escaping @Sendable (Outcome) -> Void
    ) {
        table.begin(slot)
        let pointer = slot.model
        let loop = table.loop
        let finished = NIOLoopBound((table, slot), eventLoop: loop)
        workers.submit { _ in
            let (outcome, counts) = pointer.withModel(work)
            deliver(outcome)
            loop.execute {
                let (table, slot) = finished.value
                slot.tensorStatistics += counts
                table.end(slot)
            }
        }
    }

    private static func finish(
        _ request: TensorRequest, _ body: ByteBuffer, _ wire: TensorWire, _ model: LoadedModel,
        _ scoring: TensorScoring,
        start: UInt64, read: UInt64
    ) -> (Outcome, InferenceStatistics) {
        scoring.score(request, for: model)
        let scored = now()
        let reply = scoring.write(request, body, as: wire, for: model)
        var counts = InferenceStatistics()
        counts.addSuccess(
            rowCount: request.rowCount, start: start, read: read, scored: scored, written: now(),
            milliseconds: wallMilliseconds())
        return (.success(reply), counts)
    }

    private static func failure(_ error: OpenInferenceError, start: UInt64) -> (Outcome, InferenceStatistics) {
        var counts = InferenceStatistics()
        counts.addFailure(nanoseconds: now() - start)
        return (.failure(error), counts)
    }

    private static func now() -> UInt64 { NIODeadline.now().uptimeNanoseconds }

    private static func wallMilliseconds() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME_COARSE, &time)
        return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
    }
}
