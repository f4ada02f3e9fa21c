import S3Wire

/// Has large documents read one after another, in the order in which they came: however many clients send one at once, a single
/// thread is with them, and the others are there for small requests.
struct DocumentTurns: Sendable {
    /// Up to here a document is read at once: a tenth of a millisecond.
    static let smallBytes = 64 << 10

    let turns = Turns(count: 1)

    /// Reads a document of so many bytes, in its turn if that is large.
    func read<Document: Sendable>(
        byteCount: Int, _ body: () throws(S3Error) -> Document
    ) async throws(S3Error) -> Document {
        guard byteCount > Self.smallBytes else { return try body() }
        return try await turns.withTurn(body)
    }
}
