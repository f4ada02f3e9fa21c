package import SealedMemory

/// Why the two ends cannot talk. The sidecar tries again; the executor closes that connection and listens on.
package enum HandoffError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A system call failed.
    case system(cause: SealedMemoryError)
    /// Another process answers at this path: stop it or choose another path.
    case addressInUse(path: String)
    /// The path of a socket has 1 to 107 bytes.
    case unusablePath(String)
    /// The peer runs as a user who may not talk here.
    case peerNotAllowed(userID: UInt32)
    /// The peer broke the protocol; said in words for the log.
    case violation(String)
    /// The peer speaks only these versions.
    case noCommonVersion(lowest: UInt16, highest: UInt16)
    /// The peer closed the connection and said why.
    case farewell(Farewell)
    /// The peer closed the connection without a word: it ended or was killed.
    case ended
    /// There is no connection now: wait for the next.
    case notConnected
    /// An offer with a field out of its bounds, made on this side.
    case unusableOffer(String)

    package var description: String {
        switch self {
        case .system(let cause): "\(cause)"
        case .addressInUse(let path): "another process answers at \(path)"
        case .unusablePath(let path): "\(path) is no path of a socket: 1 to 107 bytes"
        case .peerNotAllowed(let userID): "user \(userID) may not talk here"
        case .violation(let what): "the peer broke the protocol: \(what)"
        case .noCommonVersion(let lowest, let highest): "the peer speaks only hand-off versions \(lowest) to \(highest)"
        case .farewell(let farewell): "the peer closed the connection: \(farewell.reason)"
        case .ended: "the peer ended"
        case .notConnected: "there is no connection now"
        case .unusableOffer(let what): "an offer with \(what)"
        }
    }
}

/// The last message of a connection: why its sender closes it.
package struct Farewell: Equatable, Sendable {
    package enum Code: UInt16, Sendable {
        /// Another sidecar is connected; one at a time.
        case busy = 1
        /// The sender is about to end.
        case shuttingDown = 2
        /// The receiver broke the protocol.
        case violation = 3
    }

    package let code: Code
    package let reason: String

    package init(code: Code, reason: String) {
        self.code = code
        self.reason = reason
    }
}
