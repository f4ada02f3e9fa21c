import Glibc
import Synchronization

/// A disk that does as the one below it until its `n`-th change, which it tears and refuses, and all after it: for tests.
package final class FailingDisk: Disk {
    private struct State {
        var changesUntilFailure: Int?
        var changeCount = 0
    }

    private let disk: any Disk
    private let state: Mutex<State>
    private let code: Int32

    /// - Parameters:
    ///   - countdown: the first change that fails, counted from one; nil for none.
    ///   - code: the `errno` it fails with.
    package init(over disk: any Disk = SystemDisk(), countdown: Int? = nil, code: Int32 = EIO) {
        self.disk = disk
        self.code = code
        self.state = Mutex(State(changesUntilFailure: countdown))
    }

    /// How many changes were asked for.
    package var changeCount: Int { state.withLock { $0.changeCount } }

    /// Has the `countdown`-th change from now on fail, and all after it.
    package func fail(countdown: Int) {
        state.withLock { $0.changesUntilFailure = countdown }
    }

    /// Lets every change through from now on.
    package func mend() {
        state.withLock { $0.changesUntilFailure = nil }
    }

    private func fails() -> Bool {
        state.withLock { state in
            state.changeCount += 1
            guard let countdown = state.changesUntilFailure else { return false }
            state.changesUntilFailure = max(0, countdown - 1)
            return countdown <= 1
        }
    }

    package func write(_ bytes: RawSpan, to path: String, mode: UInt32) throws(FileError) {
        guard fails() else { return try disk.write(bytes, to: path, mode: mode) }
        try disk.write(bytes.extracting(first: bytes.byteCount / 2), to: path, mode: mode)
        throw FileError(.write, path, code: code)
    }

    package func read(_ path: String, limitBytes: Int) throws(FileError) -> [UInt8] {
        try disk.read(path, limitBytes: limitBytes)
    }

    package func rename(_ source: String, to target: String) throws(FileError) {
        if fails() { throw FileError(.rename, source, code: code) }
        try disk.rename(source, to: target)
    }

    package func remove(_ path: String) throws(FileError) {
        if fails() { throw FileError(.remove, path, code: code) }
        try disk.remove(path)
    }

    package func makeDirectory(_ path: String, mode: UInt32) throws(FileError) {
        if fails() { throw FileError(.makeDirectory, path, code: code) }
        try disk.makeDirectory(path, mode: mode)
    }

    package func list(_ path: String) throws(FileError) -> [String] {
        try disk.list(path)
    }

    package func syncDirectory(_ path: String) throws(FileError) {
        if fails() { throw FileError(.sync, path, code: code) }
        try disk.syncDirectory(path)
    }
}
