/// What one generation has done on one loop, or on all of them together: counts and cumulative nanoseconds.
///
/// Source: Triton's "Statistics Extension".
package struct InferenceStatistics: Equatable, Sendable {
    /// How often, and how long it took together.
    package struct Tally: Equatable, Sendable {
        package var count: UInt64 = 0
        package var nanoseconds: UInt64 = 0

        mutating func add(_ duration: UInt64) {
            count += 1
            nanoseconds += duration
        }

        static func += (left: inout Tally, right: Tally) {
            left.count += right.count
            left.nanoseconds += right.nanoseconds
        }
    }

    /// Rows predicted.
    package private(set) var inferenceCount: UInt64 = 0
    /// Requests predicted.
    package private(set) var executionCount: UInt64 = 0
    /// Milliseconds since 1970 of the latest prediction.
    package private(set) var lastMilliseconds: UInt64 = 0
    package private(set) var success = Tally()
    package private(set) var failure = Tally()
    /// Reading rows.
    package private(set) var input = Tally()
    /// Scoring them.
    package private(set) var inference = Tally()
    /// Writing the answer.
    package private(set) var output = Tally()

    package init() {}

    /// Notes an answered request by the monotonic nanoseconds of its start and of the end of each step.
    package mutating func addSuccess(
        rowCount: Int, start: UInt64, read: UInt64, scored: UInt64, written: UInt64, milliseconds: UInt64
    ) {
        inferenceCount += UInt64(rowCount)
        executionCount += 1
        lastMilliseconds = max(lastMilliseconds, milliseconds)
        success.add(written - start)
        input.add(read - start)
        inference.add(scored - read)
        output.add(written - scored)
    }

    /// Notes a refused request.
    package mutating func addFailure(nanoseconds: UInt64) { failure.add(nanoseconds) }

    package static func += (left: inout InferenceStatistics, right: InferenceStatistics) {
        left.inferenceCount += right.inferenceCount
        left.executionCount += right.executionCount
        left.lastMilliseconds = max(left.lastMilliseconds, right.lastMilliseconds)
        left.success += right.success
        left.failure += right.failure
        left.input += right.input
        left.inference += right.inference
        left.output += right.output
    }
}
