import Glibc
import NIOCore

/// What the connections of one server share on one direct loop: the service and its clock, and the two buffers through which every
/// byte goes.
///
/// A request is read, answered and sent before the next connection is looked at, so one buffer each way is enough for all of
/// them, and an idle connection has none.
final class DirectLane {
    static let inputBytes = 64 * 1024

    let loop: DirectLoop
    let shared: LoopContext
    /// Answers of the connection in work that have not been sent.
    var output = ByteBuffer()
    /// What was received last.
    private(set) var input = ByteBuffer()
    private let adopt: (CInt, ConnectionFacts, Inheritance) -> Void

    /// - Parameter adopt: makes a channel of a connection that is to be handed over; the descriptor is then its.
    init(loop: DirectLoop, shared: LoopContext, adopt: @escaping (CInt, ConnectionFacts, Inheritance) -> Void) {
        self.loop = loop
        self.shared = shared
        self.adopt = adopt
    }

    /// Receives into `input`, in place of what the call before received.
    ///
    /// Cleared now and not after use: by now nobody holds a copy or a slice, so the storage is used again. A slice that somebody
    /// kept after all keeps its storage, and the buffer gets another.
    ///
    /// - Parameter isPeeking: leaves the bytes in the socket.
    func receive(from descriptor: CInt, isPeeking: Bool) -> (count: Int, isFull: Bool, error: CInt) {
        self.input.clear()
        var count = 0
        var capacity = 0
        var error: CInt = 0
        _ = unsafe self.input.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.inputBytes) { target in
            capacity = target.count
            count = unsafe recv(descriptor, target.baseAddress, capacity, isPeeking ? CInt(MSG_PEEK) : 0)
            if count < 0 { error = errno }
            return max(0, count)
        }
        return (count, count == capacity, error)
    }

    func takeUnsent() -> ByteBuffer {
        var taken = ByteBuffer()
        swap(&taken, &self.output)
        return taken
    }

    func handOver(_ descriptor: CInt, _ facts: ConnectionFacts, _ inheritance: Inheritance) {
        self.adopt(descriptor, facts, inheritance)
    }

    /// Serves a connection that was just accepted; on the loop.
    func serve(_ descriptor: CInt, _ facts: ConnectionFacts) {
        DirectConnection(lane: self, descriptor: descriptor, facts: facts).start()
    }
}
