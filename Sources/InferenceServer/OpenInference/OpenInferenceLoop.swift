import Glibc
import InferenceWire
import ModelTypes
import NIOCore
import NIOPosix
import Telemetry

/// What the protocol asks of one event loop, whichever form it comes in: finds models in the loop's table and has their
/// requests answered, on the loop or, where they are large, on a worker.
final class OpenInferenceLoop {
    typealias Reply = Result<TensorReply, OpenInferenceRefusal>

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

    /// What came of a request: for the client, and for the loop's books.
    struct Finished: Sendable {
        let reply: Reply
        let counts: InferenceStatistics
        var scores = ValueHistogram()
        var rowCount = 0
        let nanoseconds: UInt64
    }

    /// Answers a request here, or says what a worker is to do: then ``answerElsewhere(_:_:charged:deliver:)`` must follow at once.
    enum Work {
        case done(Reply)
        case elsewhere(@Sendable (LoadedModel) -> Finished)
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
                        return Self.failure(OpenInferenceRefusal(error), start: start)
                    }
                }
            }
            let start = Self.now()
            do throws(OpenInferenceError) {
                let request = try scoring.read(body, as: wire, for: model, limitRows: limitRows)
                let read = Self.now()
                guard !limits.isLoopWork(request.rowCount, of: model) else {
                    return .done(
                        booked(Self.finish(request, body, wire, model, scoring, start: start, read: read), slot))
                }
                let rows = scoring.takeRows(for: model)
                return .elsewhere { model in
                    let scoring = TensorScoring()
                    scoring.put(rows)
                    return Self.finish(request, body, wire, model, scoring, start: start, read: read)
                }
            } catch {
                return .done(booked(Self.failure(OpenInferenceRefusal(error), start: start), slot))
            }
        }
    }

    /// Takes a request on that a worker is to answer.
    ///
    /// - Returns: what it was admitted for, to be given back with its answer.
    func admit(_ body: ByteBuffer) throws(OpenInferenceRefusal) -> Int {
        let charge = max(1, body.readableBytes)
        guard table.admission.admit(bytes: charge) else {
            table.statistics.note(.refused(.shed))
            throw OpenInferenceRefusal(.busy, "too many large requests at once; try again")
        }
        return charge
    }

    /// Has a worker make the answer, unless it waited too long for one. The generation stays until then.
    func answerElsewhere(
        _ slot: ModelTable.Slot, _ work: @escaping @Sendable (LoadedModel) -> Finished, charged: Int,
        deliver: @escaping @Sendable (Reply) -> Void
    ) {
        table.begin(slot)
        let (pointer, loop, limit) = (slot.model, table.loop, limits.queueNanoseconds)
        let bound = NIOLoopBound((self, slot), eventLoop: loop)
        let submitted = Self.now()
        workers.submit { _ in
            let waited = Self.now() &- submitted
            let finished =
                waited > limit
                ? Self.failure(OpenInferenceRefusal(.busy, "the executor is busy; try again"), start: submitted)
                : pointer.withModel(work)
            deliver(finished.reply)
            loop.execute {
                let (models, slot) = bound.value
                models.table.statistics.queue.observe(nanoseconds: waited)
                models.table.admission.finish(bytes: charged)
                _ = models.booked(finished, slot)
                models.table.end(slot)
            }
        }
    }

    /// Counts what came of a request, on the loop.
    private func booked(_ finished: Finished, _ slot: ModelTable.Slot) -> Reply {
        let outcome: Outcome =
            switch finished.reply {
            case .success: .answered(rowCount: finished.rowCount)
            case .failure(let refusal): .refused(refusal.kind.counted)
            }
        table.statistics.note(outcome)
        slot.statistics.note(outcome, nanoseconds: finished.nanoseconds)
        slot.statistics.scores.add(finished.scores)
        slot.tensorStatistics += finished.counts
        return finished.reply
    }

    private static func finish(
        _ request: TensorRequest, _ body: ByteBuffer, _ wire: TensorWire, _ model: LoadedModel,
        _ scoring: TensorScoring, start: UInt64, read: UInt64
    ) -> Finished {
        var scores = ValueHistogram()
        do throws(GraphRunError) {
            try scoring.score(request, for: model, counting: &scores)
        } catch {
            return failure(OpenInferenceRefusal(error), start: start)
        }
        let scored = now()
        let reply = scoring.write(request, body, as: wire, for: model)
        let written = now()
        var counts = InferenceStatistics()
        counts.addSuccess(
            rowCount: request.rowCount, start: start, read: read, scored: scored, written: written,
            milliseconds: wallMilliseconds())
        return Finished(
            reply: .success(reply), counts: counts, scores: scores, rowCount: request.rowCount,
            nanoseconds: written &- start)
    }

    private static func failure(_ refusal: OpenInferenceRefusal, start: UInt64) -> Finished {
        var counts = InferenceStatistics()
        let nanoseconds = now() &- start
        counts.addFailure(nanoseconds: nanoseconds)
        return Finished(reply: .failure(refusal), counts: counts, nanoseconds: nanoseconds)
    }

    private static func now() -> UInt64 { NIODeadline.now().uptimeNanoseconds }

    private static func wallMilliseconds() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME_COARSE, &time)
        return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
    }
}
