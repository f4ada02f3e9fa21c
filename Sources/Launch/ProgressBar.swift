import Glibc
import Telemetry

/// How far a long work is, on standard error, while that is a terminal; nothing anywhere else.
package struct ProgressBar {
    private let totalCount: Int
    private var isShown = false
    private var shownAt: ContinuousClock.Instant?

    /// Often enough to be read, and too seldom to cost anything.
    private static let interval = Duration.milliseconds(100)

    /// - Parameter totalCount: of what the work consists of, such as bytes.
    /// - Returns: nil where there is no terminal, or where nobody knows how much there is to do.
    package init?(totalCount: Int?) {
        guard let totalCount, totalCount > 0, isatty(STDERR_FILENO) == 1 else { return nil }
        self.totalCount = totalCount
    }

    /// Shows how much was done, unless it was shown just now.
    ///
    /// - Parameter note: what else there is to say of it, in a few words.
    package mutating func show(doneCount: Int, note: String) {
        let now = ContinuousClock.now
        if let shownAt, now - shownAt < Self.interval { return }
        shownAt = now
        isShown = true
        writeToStandardError(Array("\r\u{1B}[K\(Self.text(doneCount: doneCount, of: totalCount, note: note))".utf8))
    }

    /// Takes it from the terminal: before anything else is written there, and at the end.
    package mutating func hide() {
        guard isShown else { return }
        isShown = false
        shownAt = nil
        writeToStandardError(Array("\r\u{1B}[K".utf8))
    }

    static func text(doneCount: Int, of totalCount: Int, note: String) -> String {
        let share = totalCount > 0 ? min(max(Double(doneCount) / Double(totalCount), 0), 1) : 1
        let barCount = 30
        let filled = Int(share * Double(barCount))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: barCount - filled)
        return "[\(bar)] \(Int(share * 100))% \(note)"
    }
}
