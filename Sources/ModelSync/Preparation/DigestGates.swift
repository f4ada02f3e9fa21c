import Digests
import Synchronization

/// Lets one thread at a time work on what an artifact becomes, since two models may hold the same bytes; artifacts do not
/// wait for each other.
final class DigestGates: Sendable {
    private final class Gate: Sendable {
        let passing = Mutex(())
    }

    private let gates = Mutex<[ContentDigest: (gate: Gate, userCount: Int)]>([:])

    /// The artifacts that are being worked on.
    var digests: Set<ContentDigest> { gates.withLock { Set($0.keys) } }

    /// Runs the body when nobody else works on this artifact. Blocks.
    func withGate<Answer, Failure: Error>(
        _ digest: ContentDigest, _ body: () throws(Failure) -> Answer
    ) throws(Failure) -> Answer {
        let gate = gates.withLock { gates in
            let gate = gates[digest]?.gate ?? Gate()
            gates[digest] = (gate, (gates[digest]?.userCount ?? 0) + 1)
            return gate
        }
        defer {
            gates.withLock { gates in
                guard let (gate, userCount) = gates[digest] else { return }
                gates[digest] = userCount == 1 ? nil : (gate, userCount - 1)
            }
        }
        return try gate.passing.withLock { _ throws(Failure) in try body() }
    }
}
