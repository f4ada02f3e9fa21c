import Glibc

/// Wakes a thread that waits, once and for all.
final class StopSignal: Sendable {
    private let readEnd: Int32
    private let writeEnd: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        let result = unsafe pipe(&ends)
        // It fails only when the process is out of descriptors, at a point where nothing can be served anyway.
        precondition(result == 0, "a pipe can be made")
        self.readEnd = ends[0]
        self.writeEnd = ends[1]
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    func signal() {
        var byte: UInt8 = 1
        // A pipe holds 64 KiB and is written once.
        _ = unsafe write(writeEnd, &byte, 1)
    }

    /// Waits, but not longer than a time.
    ///
    /// - Returns: whether the signal has come.
    func wait(atMost time: Duration) -> Bool {
        var waiting = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
        let parts = time.components
        let milliseconds = parts.seconds * 1000 + parts.attoseconds / 1_000_000_000_000_000
        return unsafe poll(&waiting, 1, Int32(clamping: milliseconds)) > 0
    }
}
