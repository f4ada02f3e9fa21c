import HTTPKernel
import NIOCore
import NIOHTTP1
import ObjectEngine
import S3Service
import Telemetry

/// One event loop's view of the store: health is answered on the loop, everything else on the engine's threads.
/// Metrics, as health, need no signature.
final class StoreResponder: HTTPService {
    private let service: S3Service
    private let isServing: @Sendable () -> Bool

    /// No bucket's name begins with an underscore, so these paths are nobody's.
    private static let live: StaticString = "/_lodestore/health/live"
    private static let ready: StaticString = "/_lodestore/health/ready"

    private static let metrics: StaticString = "/_lodestore/metrics"

    private let okay = Response(ResponseHead(.ok, [("content-type", "text/plain")]), body: ByteBuffer(string: "ok\n"))
    private let unavailable = Response(
        ResponseHead(.serviceUnavailable, [("content-type", "text/plain")]), body: ByteBuffer(string: "unavailable\n"))

    /// - Parameter isServing: false before the store takes requests and once it is to stop.
    init(service: S3Service, isServing: @escaping @Sendable () -> Bool) {
        self.service = service
        self.isServing = isServing
    }

    /// A failed disk takes the store out of service until it has recovered. A full one does not: reads and deletes, which
    /// make room, must go on reaching it; the text says it, and a gauge.
    private func readiness() -> Response {
        guard isServing() else { return unavailable }
        switch service.engine.health {
        case .well: return okay
        case .full(let shortage): return Self.text(.ok, "ok; writes are refused: \(shortage)\n")
        case .failed(let reason): return Self.text(.serviceUnavailable, "unavailable; writes fail: \(reason)\n")
        }
    }

    private static func text(_ status: HTTPResponseStatus, _ text: String) -> Response {
        Response(ResponseHead(status, [("content-type", "text/plain")]), body: ByteBuffer(string: text))
    }

    func route(_ head: RequestHead, on connection: ConnectionFacts) -> Route {
        if head.method == .GET || head.method == .HEAD {
            if head.hasPath(Self.live) { return .respond(okay) }
            if head.hasPath(Self.ready) { return .respond(readiness()) }
            if head.hasPath(Self.metrics) {
                return .stream(on: service.engine.executor) { [service] _, writer in
                    let engine = service.engine
                    let page = StoreMetrics.text(engine.statistics(), engine.health, ProcessUsage())
                    let head = ResponseHead(.ok, [("content-type", PrometheusText.contentType)])
                    try await writer.respond(Response(head, body: ByteBuffer(string: page)))
                }
            }
        }
        return .stream(on: service.engine.executor) { [service] request, writer in
            try await service.handle(request, writer)
        }
    }

    /// Nothing is gathered: ``route(_:on:)`` never asks for it.
    func respond(to request: GatheredRequest) -> Answer { .now(unavailable) }

    func response(for error: HTTPKernelError, head: RequestHead?) -> Response {
        service.response(for: error, head: head)
    }
}
