import HTTPKernel
import InferenceWire
import ModelImage
import NIOHTTP1

/// How much one request may ask for, and how much all of them together.
package struct InferenceLimits: Sendable {
    package var bodyBytes = 16 << 20
    package var rowCount = 100_000
    /// Rows times features, of rows by name.
    package var cellCount = RowLimits.cellCount
    /// Units of `ScoringWork` above which a request is scored on a worker thread: about a millisecond of a loop's time.
    package var loopWork = 200_000
    /// Body bytes above which a request is read on a worker thread too: about half a millisecond of parsing.
    package var loopBytes = 64 << 10
    /// Numbers of rows by name above which a request is read on a worker thread too, however few its bytes are: those that are
    /// missing are written as well.
    package var loopCells = 1 << 15
    /// Requests beyond a loop's size that may wait for a worker or be with one; over all loops.
    package var concurrentCount = 256
    /// Bytes of bodies beyond ``loopBytes``, whole or still coming; over all loops.
    package var pendingBytes = 1 << 30
    /// A request that has waited longer for a worker is refused and not scored.
    package var queueNanoseconds: UInt64 = 500_000_000
    /// A request that has waited longer for its loop is refused and not read.
    package var loopWaitNanoseconds: UInt64 = 500_000_000

    package init() {}

    /// Whether so many rows are scored on the loop itself. A library's graphs never are: nobody knows what a row costs there.
    ///
    /// - Parameter answerWork: what a row costs beside its scoring.
    func isLoopWork(_ rowCount: Int, of model: LoadedModel, answerWork: Int = 0) -> Bool {
        !model.isGraph && model.work.of(rowCount: rowCount, answerWork: answerWork) <= loopWork
    }

    /// Whether a request is to be refused unread when its loop takes it up, and why.
    ///
    /// - Parameters:
    ///   - arrived: when the loop learned of it.
    ///   - now: when the loop takes it up.
    func overdue(arrived: UInt64, deadline: Deadline, now: UInt64) -> Overdue? {
        if deadline.hasPassed(by: now) { return .late }
        return now > arrived && now - arrived > loopWaitNanoseconds ? .shed : nil
    }

    enum Overdue {
        /// The client has stopped waiting.
        case late
        case shed
    }
}
