/// How much one request may ask for.
package struct InferenceLimits: Sendable {
    package var bodyBytes = 16 << 20
    package var rowCount = 100_000
    /// Rows times trees above which a request is scored on a worker thread: about a millisecond of a loop's time.
    package var loopWork = 200_000
    /// Body bytes above which a request is read on a worker thread too: about half a millisecond of parsing.
    package var loopBytes = 64 << 10

    package init() {}
}
