package import NIOHTTP1

/// Why a request could not be read or answered.
///
/// The service turns each into an answer of its own form (`HTTPService.response(for:head:)`); handlers of streamed
/// requests meet the last ones as thrown errors.
package enum HTTPKernelError: Error {
    /// The bytes are no HTTP/1.1 request. The connection is closed after the answer.
    case malformedRequest(reason: String)
    /// The request line or the fields are larger than `HTTPLimits` allows.
    case headTooLarge
    /// The body is larger than its route or the handler allows.
    case bodyTooLarge(limitBytes: Int)
    /// The service has no room for more of the body. The client may come back.
    case noRoom
    /// The client stopped sending before the body was whole.
    case truncatedBody
    /// The head did not arrive within `HTTPLimits.headTimeout`.
    case headTimedOut
    /// The body arrived slower than `HTTPLimits.bodyTimeout` allows.
    case bodyTimedOut
    /// A part of HTTP that this server does not speak, such as CONNECT.
    case notImplemented(String)
    /// The request speaks a version other than HTTP/1.0 and HTTP/1.1.
    case unsupportedVersion
    /// The handler threw before it had started an answer.
    case handlerFailed(any Error)
    /// The handler returned, or let go of its reply handle, without an answer.
    case noAnswer
    /// Thrown to handlers only: the client has gone. Stop; nobody reads the answer.
    case connectionClosed
    /// Thrown to handlers only: more body was written than the answer's head had stated, or something out of turn.
    case wrongSequence(reason: String)

    /// The status of the answer that says so.
    package var status: HTTPResponseStatus {
        switch self {
        case .malformedRequest, .truncatedBody: .badRequest
        case .headTooLarge: .requestHeaderFieldsTooLarge
        case .bodyTooLarge: .payloadTooLarge
        case .noRoom: .serviceUnavailable
        case .headTimedOut, .bodyTimedOut: .requestTimeout
        case .notImplemented: .notImplemented
        case .unsupportedVersion: .httpVersionNotSupported
        case .handlerFailed, .noAnswer, .connectionClosed, .wrongSequence: .internalServerError
        }
    }
}

extension HTTPKernelError: CustomStringConvertible {
    /// One line for the client; it names nothing of the server's inside.
    package var description: String {
        switch self {
        case .malformedRequest(let reason): "malformed request: \(reason)"
        case .headTooLarge: "the request's head is too large"
        case .bodyTooLarge(let limitBytes): "the request's body is larger than \(limitBytes) bytes"
        case .noRoom: "there is no room for the request's body now"
        case .truncatedBody: "the request's body ended before it was whole"
        case .headTimedOut: "the request's head took too long to arrive"
        case .bodyTimedOut: "the request's body took too long to arrive"
        case .notImplemented(let what): "\(what) is not implemented"
        case .unsupportedVersion: "only HTTP/1.0 and HTTP/1.1 are spoken here"
        case .handlerFailed, .noAnswer: "internal error"
        case .connectionClosed: "the connection is closed"
        case .wrongSequence(let reason): "the answer was written out of turn: \(reason)"
        }
    }
}
