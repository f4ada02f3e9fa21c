package import DurableFiles
import Glibc
import Names

/// `status.json` in the cache directory: a line of JSON for each model and each executor, replaced whole.
///
/// It is not synced: after a crash of the machine the next sidecar writes it anew.
package struct StatusFile: Sendable {
    package static let limitBytes = 64 << 20

    private let path: String

    /// - Parameter directory: the cache's.
    package init(directory: String) { self.path = directory + "/status.json" }

    package func write(_ status: SyncStatus) throws(FileError) {
        let temporary = path + ".new"
        let text = Array(status.lines.map { $0 + "\n" }.joined().utf8)
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError(.open, temporary, code: errno) }
        defer { close(descriptor) }
        var written = 0
        while written < text.count {
            let count = unsafe text.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw FileError(.write, temporary, code: errno) }
            written += count
        }
        guard unsafe rename(temporary, path) == 0 else { throw FileError(.rename, temporary, code: errno) }
    }

    /// The lines that a sidecar wrote last, whether it still runs or not.
    package func lines() throws(FileError) -> [String] {
        let bytes = try SystemDisk().read(path, limitBytes: Self.limitBytes)
        return String(decoding: bytes, as: UTF8.self).pieces(at: "\n").filter { !$0.isEmpty }.map { String($0) }
    }
}
