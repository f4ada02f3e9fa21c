package import HTTPKernel
import InferenceWire
package import NIOCore
import NIOHTTP1
package import NIOPosix
import Telemetry

/// Answers the requests of one event loop.
///
/// A prediction is read, scored and written inside one call on the loop, with buffers that the loop owns; nothing is awaited.
/// Only work beyond ``InferenceLimits/loopWork`` or ``InferenceLimits/loopBytes`` goes to a worker thread.
package final class InferenceResponder: HTTPService {
    private let registry: ModelRegistry
    private let table: ModelTable
    private let workers: NIOThreadPool
    private let defaultModel: String?
    private let limits: InferenceLimits
    private let scoring = LoopScoring()

    /// - Parameters:
    ///   - loop: the loop on which every call will come.
    ///   - workers: for requests too large for a loop; running.
    ///   - defaultModel: answers requests that name no model.
    package init(
        registry: ModelRegistry, loop: any EventLoop, workers: NIOThreadPool, defaultModel: String?,
        limits: InferenceLimits
    ) {
        self.registry = registry
        self.table = registry.table(of: loop)
        self.workers = workers
        self.defaultModel = defaultModel
        self.limits = limits
    }

    package func route(_ head: RequestHead, on connection: ConnectionFacts) -> Route {
        // A pattern and not `==`, which would compare names: the method is told by its case.
        if case .POST = head.method, head.hasPath("/invocations") { return .gather(limitBytes: limits.bodyBytes) }
        let path = head.target.prefix { $0 != "?" }
        switch (path, head.method) {
        case ("/ping", .GET), ("/ping", .HEAD), ("/v2/health/ready", .GET), ("/v2/health/ready", .HEAD):
            return .respond(registry.isReady ? Self.healthy : Self.notReady)
        case ("/v2/health/live", .GET), ("/v2/health/live", .HEAD):
            return .respond(Self.healthy)
        case ("/invocations", _), ("/ping", _), ("/v2/health/ready", _), ("/v2/health/live", _):
            let allowed = path == "/invocations" ? "POST" : "GET, HEAD"
            return .respond(Self.problem(.methodNotAllowed, "\(path) takes \(allowed)", fields: [("allow", allowed)]))
        default:
            return .respond(Self.problem(.notFound, "nothing is served at \(path.prefix(200))"))
        }
    }

    package func respond(to request: GatheredRequest) -> Answer {
        let fields = RequestFields(request.head)
        return switch chosenSlot(named: fields.targetModel ?? defaultModel) {
        case .failure(let refusal): .now(Self.problem(refusal.status, refusal.reason))
        case .success(let slot): predict(request, fields, slot)
        }
    }

    package func response(for error: HTTPKernelError, head: RequestHead?) -> Response {
        Self.problem(error.status, "\(error)")
    }

    // MARK: Choosing the model

    private struct Refusal: Error {
        let status: HTTPResponseStatus
        let reason: String
    }

    /// The model that the request names, else the default, else the only one.
    private func chosenSlot(named name: String?) -> Result<ModelTable.Slot, Refusal> {
        guard !table.isEmpty else { return .failure(Refusal(status: .serviceUnavailable, reason: "no model is live")) }
        if let name {
            if let slot = table.slot(named: name) { return .success(slot) }
            let reason = "no model \"\(name.prefix(200))\" is live; live are \(table.names.joined(separator: ", "))"
            return .failure(Refusal(status: .notFound, reason: reason))
        }
        if let slot = table.onlySlot { return .success(slot) }
        let reason = "name a model in X-Amzn-SageMaker-Target-Model; live are \(table.names.joined(separator: ", "))"
        return .failure(Refusal(status: .badRequest, reason: reason))
    }

    // MARK: Predicting

    private func predict(_ request: GatheredRequest, _ fields: RequestFields, _ slot: ModelTable.Slot) -> Answer {
        // A slot in the table holds its model; it is let go of on this loop only, after it left the table.
        slot.model.withModel { model in
            guard let format = fields.rowFormat else {
                return .now(
                    Self.problem(.unsupportedMediaType, "send text/csv or application/json", fields: model.fields))
            }
            guard let answering = fields.answerFormat(to: format) else {
                return .now(
                    Self.problem(.notAcceptable, "text/csv and application/json can be had", fields: model.fields))
            }
            let body = request.body
            let limitRows = limits.rowCount
            let head = slot.heads[answering]
            guard body.readableBytes <= limits.loopBytes else {
                return answerElsewhere(slot) { model in
                    let scoring = LoopScoring()
                    do throws(RowError) {
                        _ = try scoring.read(body, as: format, for: model, limitRows: limitRows)
                        return scoring.score(for: model, as: answering, head: head)
                    } catch {
                        return Self.problem(error, of: model)
                    }
                }
            }
            do throws(RowError) {
                let rowCount = try scoring.read(body, as: format, for: model, limitRows: limitRows)
                guard rowCount * max(model.treeCount, 1) > limits.loopWork else {
                    return .now(scoring.score(for: model, as: answering, head: head))
                }
                let rows = scoring.takeRows(for: model)
                return answerElsewhere(slot) { LoopScoring().score(rows, for: $0, as: answering, head: head) }
            } catch {
                return .now(Self.problem(error, of: model))
            }
        }
    }

    /// Has a worker make the answer, with buffers of its own. The generation stays until it has.
    private func answerElsewhere(
        _ slot: ModelTable.Slot, _ answer: @escaping @Sendable (LoadedModel) -> Response
    ) -> Answer {
        table.begin(slot)
        let pointer = slot.model
        let loop = table.loop
        let finished = NIOLoopBound((table, slot), eventLoop: loop)
        return .later { [workers] reply in
            workers.submit { _ in
                reply.complete(pointer.withModel(answer))
                loop.execute {
                    let (table, slot) = finished.value
                    table.end(slot)
                }
            }
        }
    }

    // MARK: Plain answers

    private static let healthy = Response(ResponseHead(.ok))
    private static let notReady = Response(ResponseHead(.serviceUnavailable))

    private static func problem(_ error: RowError, of model: LoadedModel) -> Response {
        problem(HTTPResponseStatus(statusCode: error.status), error.description, fields: model.fields)
    }

    private static func problem(_ status: HTTPResponseStatus, _ reason: String, fields: [(String, String)] = [])
        -> Response
    {
        let head = ResponseHead(status, [("content-type", "application/json")] + fields)
        return Response(head, body: ByteBuffer(string: "{\"error\": \(jsonQuoted(reason))}\n"))
    }
}
