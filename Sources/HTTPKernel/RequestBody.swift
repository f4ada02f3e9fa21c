package import NIOCore

/// The body of a streamed request, read by pulling: what is not asked for stays with the client.
///
/// It has one reader and is read once. The first call of `next()` sends `100 Continue` where the client waits for it, so a
/// handler checks the request's right to be heard before it asks.
package struct RequestBody: AsyncSequence, Sendable {
    package typealias Element = ByteBuffer
    package typealias Failure = HTTPKernelError

    let exchange: StreamExchange

    /// The next bytes as they came, nil at the end.
    ///
    /// - Throws: `.connectionClosed`, `.truncatedBody`, `.bodyTimedOut`, or `.malformedRequest` for broken chunks.
    package func next() async throws(HTTPKernelError) -> ByteBuffer? {
        let exchange = self.exchange
        return try await exchange.body.next(resumeReading: { exchange.askForBody() }).get()
    }

    /// How many bytes of it have come so far, whatever was announced.
    package var receivedBytes: UInt64 { self.exchange.body.receivedBytes }

    /// From now on no more of it is held than one read takes in, until it is asked for: slower, and smaller.
    package func readNothingAhead() { self.exchange.body.readNothingAhead() }

    /// All bytes that are still to come.
    ///
    /// - Throws: `.bodyTooLarge` as soon as the limit is passed, and all that `next()` throws.
    package func collect(limitBytes: Int) async throws(HTTPKernelError) -> ByteBuffer {
        guard var all = try await self.next() else { return ByteBuffer() }
        while all.readableBytes <= limitBytes, var buffer = try await self.next() {
            all.writeBuffer(&buffer)
        }
        guard all.readableBytes <= limitBytes else { throw .bodyTooLarge(limitBytes: limitBytes) }
        return all
    }

    package func makeAsyncIterator() -> Iterator { Iterator(body: self) }

    package struct Iterator: AsyncIteratorProtocol {
        let body: RequestBody

        package mutating func next() async throws(HTTPKernelError) -> ByteBuffer? { try await self.body.next() }

        package mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(HTTPKernelError) -> ByteBuffer? {
            try await self.body.next()
        }
    }
}
