import SealedMemory
import Synchronization

/// A connection on which whole messages go: one thread reads, any thread writes.
final class MessageStream: Sendable {
    /// How long the rest of a message, the hello, or room for an answer may take.
    static let patience: Duration = .seconds(5)

    private let socket: DescriptorSocket
    private let writing = Mutex(())

    init(_ socket: DescriptorSocket) {
        self.socket = socket
        socket.setWriteTimeout(Self.patience)
    }

    /// The next message and the descriptor that came with it.
    ///
    /// - Parameter timeout: how long to wait for its first byte; nil for ever.
    /// - Throws: ``HandoffError/ended``, ``HandoffError/violation(_:)`` or ``HandoffError/system(cause:)``; the stream is of
    ///   no use any more then.
    func receive(within timeout: Duration?) throws(HandoffError) -> Arrival {
        socket.setReadTimeout(timeout)
        guard var first = try read(HandoffMessage.headerByteCount) else { throw .ended }
        let header = try HandoffMessage.Header(first.bytes)
        var body: [UInt8] = []
        if header.bodyByteCount > 0 {
            socket.setReadTimeout(Self.patience)
            guard let rest = try read(header.bodyByteCount) else { throw .violation("a message cut short") }
            // A descriptor belongs to the first byte of its message.
            guard rest.descriptor == nil, !rest.isDescriptorLost else {
                throw .violation("a descriptor within a message")
            }
            body = rest.bytes
        }
        let message = try HandoffMessage(header, body: body)
        let descriptor = first.descriptor.take()
        guard (descriptor != nil || first.isDescriptorLost) == message.carriesDescriptor else {
            throw .violation("a descriptor too few or too many")
        }
        return Arrival(message: message, descriptor: descriptor)
    }

    /// A message and the one descriptor that it carries, if its kind does.
    struct Arrival: ~Copyable {
        let message: HandoffMessage
        /// Nil also where this process may have no other descriptor open, and so lost the one that came.
        var descriptor: ReceivedDescriptor?
    }

    /// Sends messages with nothing between them. A failure ends the stream: the reader sees its end.
    func send(_ batch: [Outgoing]) throws(HandoffError) {
        try writing.withLock { _ throws(HandoffError) in
            for outgoing in batch { try write(outgoing.message, image: outgoing.image) }
        }
    }

    /// A message to send, with the image whose memory goes along.
    struct Outgoing: Sendable {
        let message: HandoffMessage
        let image: HeldImage?
    }

    func send(_ message: HandoffMessage) throws(HandoffError) {
        try send([Outgoing(message: message, image: nil)])
    }

    func send(_ message: HandoffMessage, memory: borrowing SealedMemory) throws(HandoffError) {
        let bytes = message.encoded()
        let failure = writing.withLock { _ -> SealedMemoryError? in
            do throws(SealedMemoryError) { try socket.send(bytes, passing: memory) } catch { return error }
            return nil
        }
        if let failure { try fail(failure) }
    }

    /// Sends what `batch` decides while nobody else can send.
    func send(deciding batch: () -> [Outgoing]) throws(HandoffError) {
        try writing.withLock { _ throws(HandoffError) in
            for outgoing in batch() { try write(outgoing.message, image: outgoing.image) }
        }
    }

    func close() { socket.shutDown() }

    private func write(_ message: HandoffMessage, image: HeldImage?) throws(HandoffError) {
        do throws(SealedMemoryError) {
            if let image {
                try socket.send(message.encoded(), passing: image.memory)
            } else {
                try socket.send(message.encoded())
            }
        } catch {
            try fail(error)
        }
    }

    private func fail(_ error: SealedMemoryError) throws(HandoffError) {
        socket.shutDown()
        throw .system(cause: error)
    }

    private func read(_ count: Int) throws(HandoffError) -> DescriptorSocket.Received? {
        do throws(SealedMemoryError) { return try socket.receive(count) } catch { throw .system(cause: error) }
    }
}
