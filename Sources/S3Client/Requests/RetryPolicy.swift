/// When a failed request is tried again: exponential backoff with full jitter.
///
/// Source: "Exponential Backoff And Jitter", AWS Architecture Blog.
package struct RetryPolicy: Sendable {
    package var tryCount = 5
    package var first: Duration = .milliseconds(50)
    package var longest: Duration = .seconds(3)
    /// Suspends for a time; a test passes its own.
    package var pause: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    /// A number of 0..<1; a test passes its own.
    package var random: @Sendable () -> Double = { Double.random(in: 0..<1) }

    package init() {}

    /// How long to wait before a try.
    ///
    /// - Parameter number: 1 for the second try.
    func wait(before number: Int) -> Duration {
        let ceiling = min(first * (1 << min(number - 1, 16)), longest)
        return ceiling * random()
    }
}
