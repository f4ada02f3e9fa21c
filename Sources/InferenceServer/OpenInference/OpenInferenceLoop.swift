import Glibc
import InferenceWire
import ModelTypes
import NIOCore
import NIOPosix
import Names
import Telemetry

/// What the protocol asks of one event loop, whichever form it comes in: finds models in the loop's table and has their
/// requests answered, on the loop or, where they are large, on a worker.
final class OpenInferenceLoop {
    typealias Reply = Result<TensorReply, OpenInferenceRefusal>

    let registry: ModelRegistry
    let table: ModelTable
    let limits: InferenceLimits
    let log: LoopLog
    private let workers: NIOThreadPool
    private let scoring: LoopScoring

    /// - Parameters:
    ///   - loop: the loop on which every call will come.
    ///   - scoring: the loop's own buffers.
    ///   - log: the loop's share of the log; nil for one that counts for itself.
    init(
        registry: ModelRegistry, loop: any EventLoop, services: InferenceServices, limits: InferenceLimits,
        scoring: LoopScoring = LoopScoring(), log: LoopLog? = nil
    ) {
        self.registry = registry
        self.table = registry.table(of: loop)
        self.workers = services.workers
        self.limits = limits
        self.scoring = scoring
        self.log = log ?? LoopLog(services.log)
    }

    // MARK: Models

    /// The live generation of a model.
    ///
    /// - Parameter version: the one that is asked for; nil or empty for whichever is live.
    func slot(named name: Name, version: Name?) throws(OpenInferenceRefusal) -> ModelTable.Slot {
        guard let slot = table.slot(named: name) else {
            let shown = name.text.cut(toBytes: 200)
            if table.isParked(name) {
                throw OpenInferenceRefusal(.unloaded, "model \"\(shown)\" is unloaded here; load it again")
            }
            guard !table.isEmpty else { throw OpenInferenceRefusal(.unavailable, "no model is live") }
            throw OpenInferenceRefusal(
                .notFound, "no model \"\(shown)\" is live; live are \(table.namesInShort)")
        }
        guard let version, !version.isEmpty else { return slot }
        let live = slot.model.withModel { $0.version }
        guard version == Name(live) else {
            throw OpenInferenceRefusal(
                .notFound,
                "model \"\(name.text.cut(toBytes: 200))\" is live in version \(live.cut(toBytes: 200));"
                    + " version \(version.text.cut(toBytes: 200)) is not served here")
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
        guard let done = registry.setServing(isServing, model: Name(request.name), on: table.loop) else {
            throw OpenInferenceRefusal(
                .notFound, "no model \"\(request.name.cut(toBytes: 200))\" is held; models come from the bucket alone")
        }
        return done
    }

    /// - Parameter name: of one model, which must be live; empty for all.
    func statistics(
        ofModel name: Name, version: Name?
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
        let endNanoseconds: UInt64
    }

    /// How a request is answered.
    enum Course {
        case now(Finished)
        /// By a worker; to be called at once, and calls back on the loop.
        case later((_ deliver: @escaping (Finished) -> Void) -> Void)
    }

    /// What a worker does for one request, with buffers of the worker's own.
    private typealias Work = @Sendable (LoadedModel, LoopScoring) throws(OpenInferenceRefusal) -> Finished

    func infer(_ inquiry: TensorInquiry, _ slot: ModelTable.Slot) -> Course {
        if let overdue = limits.overdue(
            arrived: inquiry.arrivedNanoseconds, deadline: inquiry.deadline, now: inquiry.beganNanoseconds)
        {
            return .now(booked(Self.failure(OpenInferenceRefusal(overdue), inquiry), inquiry, slot))
        }
        let limitRows = limits.rowCount
        guard inquiry.body.readableBytes <= limits.loopBytes else {
            return elsewhere(inquiry, slot) { model, scoring throws(OpenInferenceRefusal) in
                let signature = model.signatures[0]
                let read = try ReadTensors(
                    inquiry, signature, scoring, limitRows: limitRows, start: Inquiry.now())
                return try Self.finish(read, inquiry, model, signature, scoring)
            }
        }
        // A slot in the table holds its model; it is let go of on this loop only, after it left the table.
        return slot.model.withModel { model in
            do throws(OpenInferenceRefusal) {
                let read = try ReadTensors(
                    inquiry, slot.signature, scoring, limitRows: limitRows, start: inquiry.beganNanoseconds)
                let answerWork = read.request.answerWork(slot.signature)
                guard !limits.isLoopWork(read.request.rowCount, of: model, answerWork: answerWork) else {
                    return .now(booked(try Self.finish(read, inquiry, model, slot.signature, scoring), inquiry, slot))
                }
                let rows = scoring.takeRows(for: model)
                return elsewhere(inquiry, slot) { model, scoring throws(OpenInferenceRefusal) in
                    scoring.put(rows)
                    return try Self.finish(read, inquiry, model, model.signatures[0], scoring)
                }
            } catch {
                return .now(booked(Self.failure(error, inquiry), inquiry, slot))
            }
        }
    }

    /// Has a worker make the answer, unless that would be one too many or it waits too long for one. The generation stays until
    /// then.
    private func elsewhere(_ inquiry: TensorInquiry, _ slot: ModelTable.Slot, _ work: @escaping Work) -> Course {
        let charge = inquiry.isCharged ? 0 : inquiry.body.readableBytes
        guard table.admission.admit(bytes: charge) else {
            let refusal = OpenInferenceRefusal(.busy, "too many large requests at once; try again")
            return .now(booked(Self.failure(refusal, inquiry), inquiry, slot))
        }
        let (pointer, limit) = (slot.model, limits.queueNanoseconds)
        return .later { [self] deliver in
            table.elsewhere(slot, on: workers) { waited in
                pointer.withModel { model in
                    do throws(OpenInferenceRefusal) {
                        guard !inquiry.deadline.hasPassed else { throw .late }
                        guard waited <= limit else {
                            throw OpenInferenceRefusal(.busy, "the executor is busy; try again")
                        }
                        return try work(model, LoopScoring())
                    } catch {
                        return Self.failure(error, inquiry)
                    }
                }
            } deliver: { [self] finished in
                table.admission.finish(bytes: charge)
                deliver(booked(finished, inquiry, slot))
            }
        }
    }

    /// Counts what came of a request, on the loop.
    private func booked(_ finished: Finished, _ inquiry: TensorInquiry, _ slot: ModelTable.Slot) -> Finished {
        let outcome: Outcome =
            switch finished.reply {
            case .success: .answered(rowCount: finished.rowCount)
            case .failure(let refusal): .refused(refusal.kind.counted)
            }
        table.statistics.note(outcome)
        slot.statistics.note(outcome, nanoseconds: finished.endNanoseconds &- inquiry.arrivedNanoseconds)
        slot.statistics.scores.add(finished.scores)
        slot.tensorStatistics += finished.counts
        return finished
    }

    /// Counts a request for predictions that got no model to answer it.
    func noteRefused(_ refusal: OpenInferenceRefusal) { table.statistics.note(.refused(refusal.kind.counted)) }

    /// A request whose rows have been read, and when.
    private struct ReadTensors: Sendable {
        let request: TensorRequest
        let start: UInt64
        let end: UInt64

        init(
            _ inquiry: TensorInquiry, _ signature: ModelSignature, _ scoring: LoopScoring, limitRows: Int,
            start: UInt64
        ) throws(OpenInferenceRefusal) {
            self.start = start
            do throws(OpenInferenceError) {
                request = try scoring.read(inquiry.body, as: inquiry.wire, for: signature, limitRows: limitRows)
            } catch {
                throw OpenInferenceRefusal(error)
            }
            end = Inquiry.now()
        }
    }

    /// Scores rows and writes the answer, if the client still waits for it.
    private static func finish(
        _ read: ReadTensors, _ inquiry: TensorInquiry, _ model: LoadedModel, _ signature: ModelSignature,
        _ scoring: LoopScoring
    ) throws(OpenInferenceRefusal) -> Finished {
        guard !inquiry.deadline.hasPassed else { throw .late }
        var scores = ValueHistogram()
        do throws(GraphRunError) {
            try scoring.predict(for: model, counting: &scores)
        } catch {
            throw OpenInferenceRefusal(error)
        }
        let scored = Inquiry.now()
        let reply = scoring.write(read.request, inquiry.body, as: inquiry.wire, for: signature)
        let written = Inquiry.now()
        var counts = InferenceStatistics()
        counts.addSuccess(
            rowCount: read.request.rowCount, start: read.start, read: read.end, scored: scored, written: written,
            milliseconds: wallMilliseconds())
        return Finished(
            reply: .success(reply), counts: counts, scores: scores, rowCount: read.request.rowCount,
            endNanoseconds: written)
    }

    private static func failure(_ refusal: OpenInferenceRefusal, _ inquiry: TensorInquiry) -> Finished {
        let end = Inquiry.now()
        var counts = InferenceStatistics()
        counts.addFailure(nanoseconds: end &- inquiry.beganNanoseconds)
        return Finished(reply: .failure(refusal), counts: counts, endNanoseconds: end)
    }

    private static func wallMilliseconds() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME_COARSE, &time)
        return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
    }
}
