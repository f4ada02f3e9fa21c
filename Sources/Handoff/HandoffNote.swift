package import Names

/// What happened on the executor's control socket, to be logged by its owner.
package enum HandoffNote: Sendable, CustomStringConvertible {
    case connected(processID: Int32)
    case refusedSecond(processID: Int32)
    case refusedPeer(userID: UInt32)
    case adopted(ImageOffer, Duration)
    case refused(ImageOffer, ImageRefusal)
    case retired(model: Name)
    case released(generation: UInt64)
    case disconnected(HandoffError)
    /// The listening socket itself failed; no sidecar can connect any more.
    case listeningFailed(HandoffError)

    package var description: String {
        switch self {
        case .connected(let process): "sidecar \(process) connected"
        case .refusedSecond(let process): "second sidecar \(process) refused"
        case .refusedPeer(let user): "peer with user id \(user) refused"
        case .adopted(let offer, let duration):
            "model \(offer.model) version \(offer.version) live as generation \(offer.generation) after \(duration)"
        case .refused(let offer, let refusal):
            "model \(offer.model) version \(offer.version) refused: \(refusal.reason)"
        case .retired(let model): "model \(model) retired"
        case .released(let generation): "generation \(generation) released"
        case .disconnected(let error): "sidecar disconnected: \(error)"
        case .listeningFailed(let error): "control socket failed: \(error)"
        }
    }
}
