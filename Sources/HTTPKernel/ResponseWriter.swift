import Glibc
package import NIOCore

/// Writes the answer to one streamed request; from one task at a time.
///
/// Either `respond` once, or `start`, any number of writes, `end`. A handler that throws before `start` is answered for by the
/// service's error hook; one that throws later, or ends short of the stated length, has its connection cut, so that no
/// client takes half a body for a whole one.
package final class ResponseWriter: Sendable {
    private let exchange: StreamExchange

    init(_ exchange: StreamExchange) { self.exchange = exchange }

    /// Whether an answer has been started; from then on no other can be given.
    package var isStarted: Bool { self.exchange.output.isStarted }

    /// Sends a whole answer.
    ///
    /// - Throws: `.connectionClosed`, `.wrongSequence`; as all the methods here.
    package func respond(_ response: Response) async throws(HTTPKernelError) {
        _ = try self.add(.whole(response), bytes: 0)
    }

    /// Sends the head; the body follows by `write` and `writeFile`.
    package func start(_ head: ResponseHead, length: BodyLength) async throws(HTTPKernelError) {
        _ = try self.add(.start(head, length), bytes: 0)
    }

    /// Sends bytes of the body, and suspends while more than `HTTPLimits.outputHighBytes` have not left.
    package func write(_ buffer: ByteBuffer) async throws(HTTPKernelError) {
        guard try !self.enqueue(buffer) else { return }
        while try await !self.waitForRoom(below: HTTPLimits.outputLowBytes) {}
    }

    /// Sends bytes of the body without waiting; whoever does so often follows with ``waitForRoom(below:)``.
    ///
    /// - Returns: whether fewer than `HTTPLimits.outputHighBytes` have not left.
    package func enqueue(_ buffer: ByteBuffer) throws(HTTPKernelError) -> Bool {
        guard buffer.readableBytes > 0 else { return true }
        return try self.add(.bytes(buffer), bytes: UInt64(buffer.readableBytes))
    }

    /// Suspends until no more than so many bytes of the body have not left.
    ///
    /// - Returns: false when the client has taken nothing for a second: let go of what is held for it, and wait again.
    package func waitForRoom(below lowBytes: Int) async throws(HTTPKernelError) -> Bool {
        switch await self.exchange.output.waitForRoom(below: lowBytes) {
        case .found: true
        case .stalled: false
        case .failed(let error): throw error
        }
    }

    /// Sends a range of a file: by sendfile, or through TLS by reading and copying.
    ///
    /// - Parameter descriptor: lent; it must stay open until this returns, which is when the last byte has left. The range's
    ///   pages should be in memory already, since the loop waits for those that are not.
    package func writeFile(descriptor: CInt, offset: UInt64, count: UInt64) async throws(HTTPKernelError) {
        guard count > 0 else { return }
        guard !self.exchange.isTLS else {
            return try await self.copyFile(descriptor: descriptor, offset: offset, count: count)
        }
        let failure = await withCheckedContinuation { continuation in
            do throws(HTTPKernelError) {
                let span = FileSpan(descriptor: descriptor, offset: offset, count: count, sent: continuation)
                _ = try self.add(.file(span), bytes: count)
            } catch {
                continuation.resume(returning: error)
            }
        }
        if let failure { throw failure }
    }

    private func copyFile(descriptor: CInt, offset: UInt64, count: UInt64) async throws(HTTPKernelError) {
        var offset = offset
        var left = count
        while left > 0 {
            let size = Int(min(left, 256 * 1024))
            var buffer = ByteBuffer()
            let got = unsafe buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { target in
                max(0, unsafe pread(descriptor, target.baseAddress, size, off_t(offset)))
            }
            guard got > 0 else { throw .wrongSequence(reason: "the file is shorter than the range") }
            try await self.write(buffer)
            offset += UInt64(got)
            left -= UInt64(got)
        }
    }

    /// Ends the body.
    ///
    /// - Throws: `.wrongSequence` when less was written than stated; the connection is then cut when the handler ends.
    package func end() async throws(HTTPKernelError) { _ = try self.add(.end, bytes: 0) }

    /// Returns whether there is room for more.
    private func add(_ output: Output, bytes: UInt64) throws(HTTPKernelError) -> Bool {
        let (wakes, hasRoom) = try self.exchange.output.add(output, bytes: bytes)
        if wakes { self.exchange.wake() }
        return hasRoom
    }
}
