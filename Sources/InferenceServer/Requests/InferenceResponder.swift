package import HTTPKernel
import InferenceWire
package import NIOCore
import NIOHTTP1
import NIOPosix
import Names
import Telemetry

/// Answers the requests of one event loop: says what is served where, and keeps the books.
///
/// A prediction is read, scored and written inside one call on the loop, with buffers that the loop owns; nothing is awaited.
/// Only work beyond ``InferenceLimits/loopWork`` or ``InferenceLimits/loopBytes`` goes to a worker thread.
package final class InferenceResponder: HTTPService {
    /// The label of a listener on which every prediction has to be signed.
    package static let guardedListener = "guarded"

    let registry: ModelRegistry
    let table: ModelTable
    let services: InferenceServices
    let defaultModel: String?
    let limits: InferenceLimits
    let scoring = LoopScoring()
    private let log: LoopLog
    private let openInference: OpenInferenceRoutes

    /// - Parameters:
    ///   - loop: the loop on which every call will come.
    ///   - defaultModel: answers requests that name no model.
    package init(
        registry: ModelRegistry, loop: any EventLoop, services: InferenceServices, defaultModel: String?,
        limits: InferenceLimits
    ) {
        self.registry = registry
        self.table = registry.table(of: loop)
        self.services = services
        self.defaultModel = defaultModel
        self.limits = limits
        self.log = LoopLog(services.log)
        self.openInference = OpenInferenceRoutes(
            OpenInferenceLoop(
                registry: registry, loop: loop, services: services, limits: limits, scoring: scoring, log: log))
    }

    package func route(_ head: RequestHead, on connection: ConnectionFacts) -> Route {
        // A pattern and not `==`, which would compare names: the method is told by its case.
        if case .POST = head.method, head.hasPath("/invocations") {
            return gather(head, on: connection, endpoint: nil)
        }
        if let route = openInference.route(head) {
            // Whether all is well anyone may ask; all else comes under the rules of /invocations.
            guard case .gather(let limitBytes) = route else { return route }
            return gather(head, on: connection, endpoint: nil, limitBytes: limitBytes)
        }
        let path = head.target.bytePrefix(upTo: "?")
        switch (path, head.method) {
        case ("/ping", .GET), ("/ping", .HEAD):
            return .respond(noted(registry.isReady ? Self.healthy : Self.notReady, head))
        case ("/metrics", .GET), ("/metrics", .HEAD):
            return .gather(limitBytes: 0)
        case ("/invocations", _), ("/ping", _), ("/metrics", _):
            let allowed = path == "/invocations" ? "POST" : "GET, HEAD"
            return .respond(
                refused(
                    Refusal(.http, .methodNotAllowed, "\(path) takes \(allowed)", fields: [("allow", allowed)]),
                    .container,
                    head))
        default:
            guard let endpoint = RuntimeCall.endpoint(in: head) else {
                return .respond(
                    refused(
                        Refusal(.http, .notFound, "nothing is served at \(path.prefix(200))"), .container, head))
            }
            guard head.method == .POST else {
                return .respond(
                    refused(
                        Refusal(
                            .http, .methodNotAllowed, "\(path.prefix(200)) takes POST", fields: [("allow", "POST")]),
                        .runtime(RuntimeCall(endpoint: endpoint, head: head)), head))
            }
            return gather(head, on: connection, endpoint: endpoint)
        }
    }

    package func respond(to request: GatheredRequest) -> Answer {
        if request.head.hasPath("/invocations") { return invoke(request, .container) }
        if request.head.hasPath("/metrics") { return metricsPage(request.head) }
        guard let endpoint = RuntimeCall.endpoint(in: request.head) else {
            return answerOpenInference(request)
        }
        return invoke(request, .runtime(RuntimeCall(endpoint: endpoint, head: request.head)))
    }

    private func answerOpenInference(_ request: GatheredRequest) -> Answer {
        let charge = request.chargedBytes
        guard needsSignature(on: request.connection, isRuntime: false), let access = services.access else {
            giveBack(charge)
            return openInference.answer(request)
        }
        guard charge > 0 else {
            do throws(Refusal) { try access.check(request.head, body: request.body) } catch {
                return .now(refused(error, .container, request.head))
            }
            return openInference.answer(request)
        }
        guard table.admission.admit(bytes: 0) else {
            giveBack(charge)
            return .now(refused(.shed(Refusal.crowdedReason), .container, request.head))
        }
        // A large body takes a worker to hash.
        return .later { [self, services] reply in
            table.elsewhere(nil, on: services.workers) { _ -> Refusal? in
                do throws(Refusal) { try access.check(request.head, body: request.body) } catch { return error }
                return nil
            } deliver: { [self] refusal in
                // What goes to a worker after this is admitted anew, within this step.
                table.admission.finish(bytes: charge)
                if let refusal { return reply.complete(refused(refusal, .container, request.head)) }
                switch openInference.answer(request) {
                case .now(let response): reply.complete(response)
                case .later(let take): take(reply)
                }
            }
        }
    }

    package func response(for error: HTTPKernelError, head: RequestHead?) -> Response {
        let refusal: Refusal =
            switch error {
            case .noRoom: .shed(Refusal.crowdedReason)
            case .bodyTooLarge: Refusal(.size, error.status, "\(error)")
            default: Refusal(.http, error.status, "\(error)")
            }
        let dialect =
            head.flatMap { head in
                RuntimeCall.endpoint(in: head).map { Dialect.runtime(RuntimeCall(endpoint: $0, head: head)) }
            } ?? .container
        return refused(refusal, dialect, head)
    }

    // MARK: Admission

    /// Has the body gathered, if there is room for what its head announces and the request does not lack a signature that it
    /// needs. Nothing is taken on yet: a client that sends no body takes no room.
    ///
    /// - Parameter endpoint: for a client of SageMaker, the endpoint that it names.
    func gather(
        _ head: RequestHead, on connection: ConnectionFacts, endpoint: String?, limitBytes: Int? = nil
    ) -> Route {
        let refusal: Refusal
        let announced = Int(min(head.contentLength ?? 0, UInt64(limits.bodyBytes)))
        if needsSignature(on: connection, isRuntime: endpoint != nil), !RequestAccess.isSigned(head) {
            refusal = RequestAccess.unsigned
        } else if announced > limits.loopBytes, !table.admission.hasRoom(bytes: announced) {
            refusal = .shed(Refusal.crowdedReason)
        } else {
            return .gather(limitBytes: limitBytes ?? limits.bodyBytes)
        }
        let dialect = endpoint.map { Dialect.runtime(RuntimeCall(endpoint: $0, head: head)) } ?? .container
        return .respond(refused(refusal, dialect, head))
    }

    func needsSignature(on connection: ConnectionFacts, isRuntime: Bool) -> Bool {
        // text: labels of our own listeners
        services.access != nil && (isRuntime || connection.listener == Self.guardedListener)
    }

    /// What a loop answers at once is not charged. Anything larger is charged as it comes, and from its first byte on.
    package func charge(_ receivedBytes: Int, charged chargedBytes: Int) -> Int? {
        guard receivedBytes > limits.loopBytes else { return 0 }
        return table.admission.reserve(bytes: receivedBytes - chargedBytes) ? receivedBytes : nil
    }

    package func giveBack(_ chargedBytes: Int) {
        if chargedBytes > 0 { table.admission.release(bytes: chargedBytes) }
    }

    // MARK: Books

    /// Counts and logs what became of an inquiry; to be called once for each, on the loop.
    func finished(_ response: Response, _ outcome: Outcome, _ inquiry: Inquiry, _ slot: ModelTable.Slot?) -> Response {
        if inquiry.isAdmitted {
            table.admission.finish(bytes: inquiry.chargedBytes)
        } else {
            giveBack(inquiry.chargedBytes)
        }
        let nanoseconds = Inquiry.now() &- inquiry.beganNanoseconds
        table.statistics.note(outcome)
        slot?.statistics.note(outcome, nanoseconds: nanoseconds)
        log.note(response, inquiry.head) { line in
            line.model = slot.map { ($0.name, $0.version) }
            if case .answered(let rowCount) = outcome { line.rowCount = rowCount }
            line.receivedBytes = inquiry.body.readableBytes
            line.nanoseconds = nanoseconds
            if case .runtime(let call) = inquiry.dialect { line.inferenceID = call.inferenceID }
        }
        return response
    }

    /// Counts and logs a request that is refused before it became an inquiry.
    func refused(_ refusal: Refusal, _ dialect: Dialect, _ head: RequestHead?) -> Response {
        table.statistics.note(.refused(refusal.kind))
        return noted(dialect.response(for: refusal), head)
    }

    private func noted(_ response: Response, _ head: RequestHead?) -> Response {
        log.note(response, head)
        return response
    }

    // MARK: Plain answers

    private static let healthy = Response(ResponseHead(.ok))
    private static let notReady = Response(ResponseHead(.serviceUnavailable))

    /// Asks every loop, and has the page written away from them.
    private func metricsPage(_ head: RequestHead) -> Answer {
        let page = registry.metrics(on: table.loop)
        return .later { [services] reply in
            page.whenSuccess { page in
                services.aside.submit { _ in
                    let head = ResponseHead(.ok, [("content-type", PrometheusText.contentType)])
                    reply.complete(Response(head, body: ByteBuffer(string: page.text(ProcessUsage()))))
                }
            }
        }
    }
}
