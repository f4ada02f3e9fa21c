import ModelTypes
import NIOHTTP1

/// Why a request gets no prediction. One request's refusal touches no other.
struct Refusal: Error, Sendable {
    /// What kind of fault it is: as requests are counted.
    enum Kind: Int, CaseIterable, Sendable {
        /// The rows cannot be read as the model's.
        case rows
        /// Content-Type or Accept.
        case format
        /// No such model, or none named among several.
        case model
        /// More rows or bytes than allowed.
        case size
        /// The signature, or a header with a meaning that does not parse.
        case access, field
        /// More is asked than can be answered soon.
        case shed
        /// The client has stopped waiting.
        case deadline
        /// No model is live.
        case unready
        /// The bytes are no request, or of none that is served.
        case http
        /// The library that runs the model's graph failed.
        case failed
    }

    let kind: Kind
    let status: HTTPResponseStatus
    /// For the client.
    let reason: String
    var fields: [(String, String)] = []
    /// The name that AWS's clients know the fault by, where its kind leaves several.
    var errorType: String?

    init(
        _ kind: Kind, _ status: HTTPResponseStatus, _ reason: String, fields: [(String, String)] = [],
        errorType: String? = nil
    ) {
        self.kind = kind
        self.status = status
        self.reason = reason
        self.fields = fields
        self.errorType = errorType
    }

    static func shed(_ reason: String) -> Refusal {
        Refusal(.shed, .serviceUnavailable, reason, fields: [("retry-after", "1")])
    }

    static let busyReason = "the executor is busy; try again"
    static let crowdedReason = "too many large requests at once; try again"

    init(_ overdue: InferenceLimits.Overdue) {
        switch overdue {
        case .late: self = .late
        case .shed: self = .shed(Self.busyReason)
        }
    }

    init(_ error: GraphRunError) {
        switch error {
        case .rows: self.init(.rows, .badRequest, error.description)
        case .failed: self.init(.failed, .internalServerError, error.description)
        }
    }

    static let late = Refusal(.deadline, .gatewayTimeout, lateReason)
    static let lateReason = "the deadline had passed before the rows were scored"

    static func badField(_ reason: String) -> Refusal { Refusal(.field, .badRequest, reason) }
}
