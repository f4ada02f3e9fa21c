import InferenceWire
import ModelTypes
import NIOHTTP1

/// Why something asked by the Open Inference Protocol is not answered, in either of its forms.
struct OpenInferenceRefusal: Error, Equatable {
    enum Kind: Equatable {
        case invalid
        case tooLarge
        case notFound
        /// Held, but unloaded here.
        case unloaded
        /// Nothing is live at all.
        case unavailable
        case unsupportedEncoding
        /// More is asked than can be answered soon.
        case busy
        /// The client has stopped waiting.
        case late
        /// The client sends too slowly.
        case slow
        /// A header with a meaning that does not parse.
        case field
        /// The library that runs the model's graph failed.
        case failed

        /// As requests are counted.
        var counted: Refusal.Kind {
            switch self {
            case .invalid: .rows
            case .tooLarge: .size
            case .notFound, .unloaded: .model
            case .unavailable: .unready
            case .unsupportedEncoding: .format
            case .busy: .shed
            case .late: .deadline
            case .slow: .http
            case .field: .field
            case .failed: .failed
            }
        }
    }

    static let late = OpenInferenceRefusal(.late, Refusal.lateReason)

    let kind: Kind
    let reason: String

    init(_ kind: Kind, _ reason: String) {
        self.kind = kind
        self.reason = reason
    }

    init(_ overdue: InferenceLimits.Overdue) {
        switch overdue {
        case .late: self = .late
        case .shed: self.init(.busy, Refusal.busyReason)
        }
    }

    init(_ error: OpenInferenceError) {
        self.init(error.isTooLarge ? .tooLarge : .invalid, error.description)
    }

    init(_ error: GraphRunError) {
        switch error {
        case .rows: self.init(.invalid, error.description)
        case .failed: self.init(.failed, error.description)
        }
    }

    var status: HTTPResponseStatus {
        switch kind {
        case .invalid, .field: .badRequest
        case .tooLarge: .payloadTooLarge
        case .notFound, .unloaded: .notFound
        case .unavailable, .busy: .serviceUnavailable
        case .late: .gatewayTimeout
        case .slow: .requestTimeout
        case .unsupportedEncoding: .unsupportedMediaType
        case .failed: .internalServerError
        }
    }
}
