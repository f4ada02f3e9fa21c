import Glibc
import Synchronization

/// A file that takes space so that nobody else does, given back when recovery, deletes and their compactions need it.
final class Reserve: Sendable {
    let sizeBytes: UInt64
    private let path: String
    private let held: Atomic<Bool>

    /// Finds the file as the process before left it.
    init(path: String, sizeBytes: UInt64) {
        self.path = path
        self.sizeBytes = sizeBytes
        var facts = stat()
        let isThere = unsafe stat(path, &facts) == 0
        // One that was larger gives the rest back.
        if isThere, UInt64(clamping: facts.st_size) > sizeBytes { _ = unsafe truncate(path, off_t(sizeBytes)) }
        // In blocks of 512 bytes whatever the filesystem: a file of holes reserves nothing.
        self.held = Atomic(sizeBytes == 0 || isThere && UInt64(facts.st_blocks) * 512 >= sizeBytes)
    }

    var isHeld: Bool { held.load(ordering: .relaxed) }

    /// The bytes that are still to be taken.
    var missingBytes: UInt64 { isHeld ? 0 : sizeBytes }

    /// Takes the space if it can be had.
    func take() {
        guard !isHeld else { return }
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600 as mode_t)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        guard posix_fallocate(descriptor, 0, off_t(sizeBytes)) == 0, ftruncate(descriptor, off_t(sizeBytes)) == 0 else {
            // What it got must not stay taken; where even this fails, giving it back is tried again.
            _ = ftruncate(descriptor, 0)
            return
        }
        held.store(true, ordering: .relaxed)
    }

    /// Lets the space go.
    func give() {
        // A file that cannot be removed goes on holding its space.
        guard unsafe unlink(path) == 0 || errno == ENOENT else { return }
        held.store(sizeBytes == 0, ordering: .relaxed)
    }
}
