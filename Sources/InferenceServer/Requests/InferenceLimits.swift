/// How much one request may ask for.
package struct InferenceLimits: Sendable {
    package var bodyBytes = 16 << 20
    package var rowCount = 100_000
    /// Rows times trees above which a request is scored on a worker thread: about a millisecond of a loop's time.
    package var loopWork = 200_000

    package init() {}
}
