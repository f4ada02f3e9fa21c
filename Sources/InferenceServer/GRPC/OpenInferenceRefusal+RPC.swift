import GRPCCore

extension OpenInferenceRefusal: RPCErrorConvertible {
    var rpcErrorCode: RPCError.Code {
        switch kind {
        case .invalid, .unsupportedEncoding, .field: .invalidArgument
        case .tooLarge, .busy: .resourceExhausted
        case .notFound: .notFound
        case .unloaded, .unavailable: .unavailable
        case .late, .slow: .deadlineExceeded
        case .failed: .internalError
        }
    }

    var rpcErrorMessage: String { reason }
}
