import Synchronization

/// The descriptors that connections and what they make have of a process; the rest is the engine's and nobody's here.
///
/// Locked once for a connection's begin, end and first signature, and for a staged table: never for a request.
package final class DescriptorAccount: Sendable {
    /// Who has a descriptor.
    package enum Holder: CaseIterable, Sendable {
        /// A connection on which nobody has signed yet.
        case stranger
        /// A connection on which a signature was verified.
        case signer
        /// A large body on its way, which is written to a file of its own.
        case table
    }

    package struct Limits: Equatable, Sendable {
        /// Strangers and signers together.
        package var connectionCount: Int
        package var strangerCount: Int
        package var tableCount: Int

        package init(connectionCount: Int, strangerCount: Int, tableCount: Int) {
            self.connectionCount = connectionCount
            self.strangerCount = strangerCount
            self.tableCount = tableCount
        }
    }

    private struct State: ~Copyable {
        var strangerCount = 0
        var signerCount = 0
        var tableCount = 0
    }

    package let limits: Limits
    private let state = Mutex(State())

    package init(_ limits: Limits) { self.limits = limits }

    /// Takes one. False when the holder's share is used up; nothing is taken then.
    package func charge(_ holder: Holder) -> Bool {
        let limits = self.limits
        return self.state.withLock { state in
            let hasRoom = state.strangerCount + state.signerCount < limits.connectionCount
            switch holder {
            case .stranger:
                guard hasRoom, state.strangerCount < limits.strangerCount else { return false }
                state.strangerCount += 1
            case .signer:
                guard hasRoom else { return false }
                state.signerCount += 1
            case .table:
                guard state.tableCount < limits.tableCount else { return false }
                state.tableCount += 1
            }
            return true
        }
    }

    /// Gives one back.
    package func release(_ holder: Holder) {
        self.state.withLock { state in
            switch holder {
            case .stranger: state.strangerCount -= 1
            case .signer: state.signerCount -= 1
            case .table: state.tableCount -= 1
            }
        }
    }

    /// A stranger has signed.
    package func promote() {
        self.state.withLock { state in
            state.strangerCount -= 1
            state.signerCount += 1
        }
    }

    /// How many a holder has.
    package func count(of holder: Holder) -> Int {
        self.state.withLock { state in
            switch holder {
            case .stranger: state.strangerCount
            case .signer: state.signerCount
            case .table: state.tableCount
            }
        }
    }
}
