import HTTPKernel
import InferenceWire
import NIOCore
import NIOHTTP1
import Telemetry

/// In whose words a request is answered.
enum Dialect: Sendable {
    /// `/invocations`, as SageMaker speaks to a container.
    case container
    /// `/endpoints/…/invocations`, as clients speak to SageMaker.
    case runtime(RuntimeCall)

    /// - Parameter model: the fields of the model that refused, where it came so far.
    func response(for refusal: Refusal, model: [(String, String)] = []) -> Response {
        switch self {
        case .container:
            let head = ResponseHead(
                refusal.status, [("content-type", "application/json")] + refusal.fields + model)
            return Response(head, body: ByteBuffer(string: "{\"error\": \(jsonQuoted(refusal.reason))}\n"))
        case .runtime(let call): return call.response(for: refusal, model: model)
        }
    }
}
