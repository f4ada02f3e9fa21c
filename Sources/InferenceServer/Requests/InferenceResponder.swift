package import HTTPKernel
import InferenceWire
package import NIOCore
import NIOHTTP1
package import NIOPosix
import Telemetry

/// Answers the requests of one event loop.
///
/// A prediction is read, scored and written inside one call on the loop, with buffers that the loop owns; nothing is awaited.
/// Only work beyond ``InferenceLimits/loopWork`` goes to a worker thread.
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
        registry: ModelRegistry, loop: any EventLoop, workers: NIOThreadPool, defaultModel: String?, limits: InferenceLimits
    ) {
        self.registry = registry
        self.table = registry.table(of: loop)
        self.workers = workers
        self.defaultModel = defaultModel
        self.limits = limits
    }

    package func route(_ head: RequestHead, on connection: ConnectionFacts) -> Route {
        let path = head.target.prefix { $0 != "?" }
        switch (path, head.method) {
        case ("/invocations", .POST): return .gather(limitBytes: limits.bodyBytes)
        case ("/ping", .GET), ("/ping", .HEAD), ("/v2/health/ready", .GET), ("/v2/health/ready", .HEAD):
            return .respond(registry.isReady ? Self.healthy : Self.notReady)
        case ("/v2/health/live", .GET), ("/v2/health/live", .HEAD):
            return .respond(Self.healthy)
        case ("/invocations", _), ("/ping", _), ("/v2/health/ready", _), ("/v2/health/live", _):
            let allowed = path == "/invocations" ? "POST" : "GET, HEAD"
            return .respond(problem(.methodNotAllowed, "\(path) takes \(allowed)", fields: [("allow", allowed)]))
        default:
            return .respond(problem(.notFound, "nothing is served at \(path.prefix(200))"))
        }
    }

    package func respond(to request: GatheredRequest) -> Answer {
        switch chosenSlot(request.head) {
        case .failure(let refusal): .now(problem(refusal.status, refusal.reason))
        case .success(let slot): predict(request, slot)
        }
    }

    package func response(for error: HTTPKernelError, head: RequestHead?) -> Response {
        problem(error.status, "\(error)")
    }

    // MARK: Choosing the model

    private struct Refusal: Error {
        let status: HTTPResponseStatus
        let reason: String
    }

    /// The model that the request names, else the default, else the only one.
    private func chosenSlot(_ head: RequestHead) -> Result<ModelTable.Slot, Refusal> {
        guard !table.isEmpty else { return .failure(Refusal(status: .serviceUnavailable, reason: "no model is live")) }
        let named = head.first("X-Amzn-SageMaker-Target-Model") ?? defaultModel
        if let named {
            if let slot = table.slot(named: named) { return .success(slot) }
            let reason = "no model \"\(named.prefix(200))\" is live; live are \(table.names.joined(separator: ", "))"
            return .failure(Refusal(status: .notFound, reason: reason))
        }
        if let slot = table.onlySlot { return .success(slot) }
        let reason = "name a model in X-Amzn-SageMaker-Target-Model; live are \(table.names.joined(separator: ", "))"
        return .failure(Refusal(status: .badRequest, reason: reason))
    }

    // MARK: Predicting

    private func predict(_ request: GatheredRequest, _ slot: ModelTable.Slot) -> Answer {
        // Invariant: a slot in the table holds its model; it is let go of on this loop only, after it left the table.
        unsafe slot.model._withUnsafeGuaranteedRef { model in
            guard let format = RowFormat(contentType: request.head.first("content-type") ?? "text/csv") else {
                return .now(problem(.unsupportedMediaType, "send text/csv or application/json", fields: model.fields))
            }
            guard let answering = RowFormat.answering(accept: request.head.first("accept"), request: format) else {
                return .now(problem(.notAcceptable, "text/csv and application/json can be had", fields: model.fields))
            }
            do throws(RowError) {
                let work = try scoring.read(request.body, as: format, for: model, limitRows: limits.rowCount)
                if work * max(model.treeCount, 1) > limits.loopWork { return scoreElsewhere(slot, model, answering) }
                return .now(scoring.score(for: model, as: answering))
            } catch {
                return .now(problem(HTTPResponseStatus(statusCode: error.status), error.description, fields: model.fields))
            }
        }
    }

    /// Takes the rows that were just read to a worker, with buffers of its own, and answers from there.
    private func scoreElsewhere(_ slot: ModelTable.Slot, _ model: LoadedModel, _ format: RowFormat) -> Answer {
        let rows = scoring.takeRows(for: model)
        table.begin(slot)
        let finished = NIOLoopBound((table, slot), eventLoop: table.loop)
        let loop = table.loop
        return .later { [workers] reply in
            workers.submit { _ in
                reply.complete(LoopScoring().score(rows, for: model, as: format))
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

    private func problem(_ status: HTTPResponseStatus, _ reason: String, fields: [(String, String)] = []) -> Response {
        let head = ResponseHead(status, [("content-type", "application/json")] + fields)
        return Response(head, body: ByteBuffer(string: "{\"error\": \(jsonQuoted(reason))}\n"))
    }
}
