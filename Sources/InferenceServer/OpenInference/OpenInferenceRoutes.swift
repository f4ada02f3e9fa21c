import HTTPKernel
import InferenceWire
import NIOCore
import NIOHTTP1
import Names
import Telemetry

/// The REST form of the Open Inference Protocol: everything under `/v2`, on one event loop.
final class OpenInferenceRoutes {
    private let models: OpenInferenceLoop
    /// The latest target and what it says: one request after another nearly always has the same.
    private var latest: (target: String, path: OpenInferencePath)?

    init(_ models: OpenInferenceLoop) { self.models = models }

    // MARK: Routing

    /// How a request is answered; nil when its path is not under `/v2`.
    func route(_ head: RequestHead) -> Route? {
        let target = head.target
        let path = path(of: target)
        switch path {
        case nil: return nil
        case .live, .ready:
            guard Self.isRead(head) else { return .respond(Self.wrongMethod(target, "GET, HEAD")) }
            let isWell = path == .live || models.registry.isReady
            return .respond(isWell ? Self.healthy : Self.notReady)
        case .model(_, _, .infer), .index, .load, .unload:
            guard head.method == .POST else { return .respond(Self.wrongMethod(target, "POST")) }
            return .gather(limitBytes: models.limits.bodyBytes)
        case .server, .statistics, .model:
            guard Self.isRead(head) else { return .respond(Self.wrongMethod(target, "GET, HEAD")) }
            return .gather(limitBytes: 0)
        }
    }

    private func path(of target: String) -> OpenInferencePath? {
        if let latest, Name(latest.target) == Name(target) { return latest.path }
        guard let path = OpenInferencePath(target) else { return nil }
        latest = (target, path)
        return path
    }

    private static func isRead(_ head: RequestHead) -> Bool { head.method == .GET || head.method == .HEAD }

    /// Answers what ``route(_:)`` had gathered, and logs it.
    func answer(_ request: GatheredRequest) -> Answer {
        let head = request.head
        do throws(OpenInferenceRefusal) {
            switch path(of: head.target) {
            case .model(let name, let version, .infer): return infer(request, name, version)
            case .model(let name, let version, .stats):
                return counted(try models.statistics(ofModel: name, version: version), head)
            case .statistics: return counted(try models.statistics(ofModel: "", version: nil), head)
            case .model(let name, let version, let action):
                let slot = try models.slot(named: name, version: version)
                let text =
                    switch action {
                    case .ready: OpenInferenceDocuments.ready(slot.signature)
                    case .config: OpenInferenceDocuments.configuration(slot.signature)
                    case .metadata, .infer, .stats: OpenInferenceDocuments.metadata(slot.signature)
                    }
                return .now(logged(Self.document(text, fields: slot.model.withModel { $0.fields }), head))
            case .index:
                let entries = models.index(try index(request.body))
                return .now(logged(Self.document(OpenInferenceDocuments.index(entries)), head))
            case .load(let name): return switched(try models.setServing(true, try load(request.body, name)), head)
            case .unload(let name): return switched(try models.setServing(false, try load(request.body, name)), head)
            case .server: return .now(logged(Self.document(OpenInferenceDocuments.server()), head))
            case .live, .ready, nil: throw OpenInferenceRefusal(.notFound, "nothing is served there")
            }
        } catch {
            return .now(logged(Self.problem(error), head))
        }
    }

    private func logged(_ response: Response, _ head: RequestHead) -> Response {
        models.log.note(response, head)
        return response
    }

    // MARK: Inference

    private func infer(_ request: GatheredRequest, _ name: Name, _ version: Name?) -> Answer {
        let slot: ModelTable.Slot
        do throws(OpenInferenceRefusal) {
            slot = try models.slot(named: name, version: version)
        } catch {
            return refused(error, request.head)
        }
        let inquiry: TensorInquiry
        do throws(OpenInferenceRefusal) {
            let fields = TensorFields(request.head)
            inquiry = TensorInquiry(
                body: request.body, wire: .json(byteCount: try fields.jsonByteCount()),
                deadline: try fields.deadline(from: request.arrivedNanoseconds), arrived: request.arrivedNanoseconds)
        } catch {
            return refused(error, request.head, slot)
        }
        switch models.infer(inquiry, slot) {
        case .now(let finished): return .now(answered(finished, inquiry, slot, request.head))
        case .later(let start):
            return .later { [self] handle in
                start { finished in handle.complete(self.answered(finished, inquiry, slot, request.head)) }
            }
        }
    }

    /// Refuses a request for predictions that was not read.
    private func refused(
        _ refusal: OpenInferenceRefusal, _ head: RequestHead, _ slot: ModelTable.Slot? = nil
    ) -> Answer {
        models.noteRefused(refusal)
        return .now(logged(Self.problem(refusal, fields: slot?.model.withModel { $0.fields } ?? []), head))
    }

    private func answered(
        _ finished: OpenInferenceLoop.Finished, _ inquiry: TensorInquiry, _ slot: ModelTable.Slot, _ head: RequestHead
    ) -> Response {
        let response: Response
        switch finished.reply {
        case .success(let reply): response = Response(Self.head(for: reply, of: slot), body: reply.body)
        case .failure(let refusal): response = Self.problem(refusal, fields: slot.model.withModel { $0.fields })
        }
        models.log.note(response, head) { line in
            line.model = (slot.name, slot.version)
            line.rowCount = finished.rowCount
            line.receivedBytes = inquiry.body.readableBytes
            line.nanoseconds = finished.endNanoseconds &- inquiry.arrivedNanoseconds
        }
        return response
    }

    private static func head(for reply: TensorReply, of slot: ModelTable.Slot) -> ResponseHead {
        guard let jsonByteCount = reply.jsonByteCount else { return slot.heads[.json] }
        if let latest = slot.binaryHead, latest.jsonByteCount == jsonByteCount { return latest.head }
        let made = BinaryAnswerHead(slot.model.withModel { $0.fields }, jsonByteCount: jsonByteCount)
        slot.binaryHead = made
        return made.head
    }

    // MARK: Models and their counts

    private func counted(_ counts: EventLoopFuture<[ModelCounts]>, _ head: RequestHead) -> Answer {
        .later { [self] handle in
            counts.assumeIsolated().whenSuccess { models in
                let text = OpenInferenceDocuments.statistics(models.map { ($0.entry, $0.counts) })
                handle.complete(self.logged(Self.document(text), head))
            }
        }
    }

    private func switched(_ done: EventLoopFuture<Void>, _ head: RequestHead) -> Answer {
        .later { [self] handle in
            done.assumeIsolated().whenSuccess { handle.complete(self.logged(Response(ResponseHead(.ok)), head)) }
        }
    }

    private func index(_ body: ByteBuffer) throws(OpenInferenceRefusal) -> IndexRequest {
        unsafe try body.lent { (bytes) throws(OpenInferenceError) in unsafe try IndexRequest(json: bytes) }
    }

    private func load(_ body: ByteBuffer, _ name: Name) throws(OpenInferenceRefusal) -> LoadRequest {
        unsafe try body.lent { (bytes) throws(OpenInferenceError) in
            unsafe try LoadRequest(json: bytes, name: name.text)
        }
    }

    // MARK: Plain answers

    private static let healthy = Response(ResponseHead(.ok))
    private static let notReady = Response(ResponseHead(.serviceUnavailable))

    private static func document(
        _ text: String, status: HTTPResponseStatus = .ok, fields: [(String, String)] = []
    ) -> Response {
        Response(ResponseHead(status, [("content-type", "application/json")] + fields), body: ByteBuffer(string: text))
    }

    private static func problem(_ refusal: OpenInferenceRefusal, fields: [(String, String)] = []) -> Response {
        let more = refusal.kind == .busy ? [("retry-after", "1")] : []
        return document(
            OpenInferenceDocuments.refusal(refusal.reason), status: refusal.status, fields: fields + more)
    }

    private static func wrongMethod(_ target: String, _ allowed: String) -> Response {
        let path = target.bytePrefix(upTo: "?").prefix(200)
        return document(
            OpenInferenceDocuments.refusal("\(path) takes \(allowed)"), status: .methodNotAllowed,
            fields: [("allow", allowed)])
    }
}
