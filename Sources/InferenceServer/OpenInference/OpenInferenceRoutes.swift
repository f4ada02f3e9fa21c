import HTTPKernel
import InferenceWire
import NIOCore
import NIOHTTP1
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
        if let latest, latest.target == target { return latest.path }
        guard let path = OpenInferencePath(target) else { return nil }
        latest = (target, path)
        return path
    }

    private static func isRead(_ head: RequestHead) -> Bool { head.method == .GET || head.method == .HEAD }

    /// Answers what ``route(_:)`` had gathered.
    func answer(_ request: GatheredRequest) -> Answer {
        do throws(OpenInferenceRefusal) {
            switch path(of: request.head.target) {
            case .model(let name, let version, .infer): return try infer(request, name, version)
            case .model(let name, let version, .stats):
                return counted(try models.statistics(ofModel: name, version: version))
            case .statistics: return counted(try models.statistics(ofModel: "", version: nil))
            case .model(let name, let version, let action):
                let slot = try models.slot(named: name, version: version)
                let text =
                    switch action {
                    case .ready: OpenInferenceDocuments.ready(slot.signature)
                    case .config: OpenInferenceDocuments.configuration(slot.signature)
                    case .metadata, .infer, .stats: OpenInferenceDocuments.metadata(slot.signature)
                    }
                return .now(Self.document(text, fields: slot.model.withModel { $0.fields }))
            case .index:
                let entries = models.index(try index(request.body))
                return .now(Self.document(OpenInferenceDocuments.index(entries)))
            case .load(let name): return switched(try models.setServing(true, try load(request.body, name)))
            case .unload(let name): return switched(try models.setServing(false, try load(request.body, name)))
            case .server: return .now(Self.document(OpenInferenceDocuments.server()))
            case .live, .ready, nil: throw OpenInferenceRefusal(.notFound, "nothing is served there")
            }
        } catch {
            return .now(Self.problem(error))
        }
    }

    // MARK: Inference

    private func infer(
        _ request: GatheredRequest, _ name: String, _ version: String?
    ) throws(OpenInferenceRefusal) -> Answer {
        let slot = try models.slot(named: name, version: version)
        let fields = slot.model.withModel { $0.fields }
        let wire: TensorWire
        do throws(OpenInferenceRefusal) {
            wire = .json(byteCount: try TensorFields(request.head).jsonByteCount())
        } catch {
            return .now(Self.problem(error, fields: fields))
        }
        switch models.infer(request.body, as: wire, slot) {
        case .done(.success(let reply)): return .now(Self.response(reply, head: Self.head(for: reply, of: slot)))
        case .done(.failure(let refusal)): return .now(Self.problem(refusal, fields: fields))
        case .elsewhere(let work):
            let json = slot.heads[.json]
            let charged: Int
            do throws(OpenInferenceRefusal) { charged = try models.admit(request.body) } catch {
                return .now(Self.problem(error, fields: fields + [("retry-after", "1")]))
            }
            return .later { [models] handle in
                models.answerElsewhere(slot, work, charged: charged) { reply in
                    switch reply {
                    case .success(let reply):
                        let head = reply.jsonByteCount.map { BinaryAnswerHead(fields, jsonByteCount: $0).head } ?? json
                        handle.complete(Self.response(reply, head: head))
                    case .failure(let refusal):
                        handle.complete(Self.problem(refusal, fields: fields))
                    }
                }
            }
        }
    }

    private static func head(for reply: TensorReply, of slot: ModelTable.Slot) -> ResponseHead {
        guard let jsonByteCount = reply.jsonByteCount else { return slot.heads[.json] }
        if let latest = slot.binaryHead, latest.jsonByteCount == jsonByteCount { return latest.head }
        let made = BinaryAnswerHead(slot.model.withModel { $0.fields }, jsonByteCount: jsonByteCount)
        slot.binaryHead = made
        return made.head
    }

    private static func response(_ reply: TensorReply, head: ResponseHead) -> Response {
        Response(head, body: reply.body)
    }

    // MARK: Models and their counts

    private func counted(_ counts: EventLoopFuture<[ModelCounts]>) -> Answer {
        .later { handle in
            counts.whenSuccess { models in
                let text = OpenInferenceDocuments.statistics(models.map { ($0.entry, $0.counts) })
                handle.complete(Self.document(text))
            }
        }
    }

    private func switched(_ done: EventLoopFuture<Void>) -> Answer {
        .later { handle in
            done.whenSuccess { handle.complete(Response(ResponseHead(.ok))) }
        }
    }

    private func index(_ body: ByteBuffer) throws(OpenInferenceRefusal) -> IndexRequest {
        unsafe try body.lent { (bytes) throws(OpenInferenceError) in unsafe try IndexRequest(json: bytes) }
    }

    private func load(_ body: ByteBuffer, _ name: String) throws(OpenInferenceRefusal) -> LoadRequest {
        unsafe try body.lent { (bytes) throws(OpenInferenceError) in unsafe try LoadRequest(json: bytes, name: name) }
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
        document(OpenInferenceDocuments.refusal(refusal.reason), status: refusal.status, fields: fields)
    }

    private static func wrongMethod(_ target: String, _ allowed: String) -> Response {
        let path = target.prefix { $0 != "?" }.prefix(200)
        return document(
            OpenInferenceDocuments.refusal("\(path) takes \(allowed)"), status: .methodNotAllowed,
            fields: [("allow", allowed)])
    }
}
