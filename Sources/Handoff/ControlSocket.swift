import Glibc
import SealedMemory

/// Binds a listening Unix socket that is 0600 from its first moment, in place of what an ended process left.
///
/// - Returns: a listening descriptor, owned by the caller.
func bindControlSocket(path: String, allowedUserID: UInt32) throws(HandoffError) -> Int32 {
    guard let address = UnixSocketAddress(path: path) else { throw .unusablePath(path) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw .system(cause: .system(call: "socket", errno: errno)) }
    do throws(HandoffError) {
        try removeStale(path)
        // bind(2) on Linux gives the file the mode of the socket itself, so that it is never open to others.
        guard fchmod(descriptor, 0o600) == 0 else { throw failure("fchmod", path) }
        guard unsafe address.lend({ unsafe bind(descriptor, $0, $1) }) == 0 else {
            if errno == EADDRINUSE { throw .addressInUse(path: path) }
            throw failure("bind", path)
        }
        // Root needs no permission; any other user gets the file.
        if allowedUserID != geteuid(), allowedUserID != 0, unsafe chown(path, allowedUserID, gid_t.max) != 0 {
            throw failure("chown", path)
        }
        guard listen(descriptor, 8) == 0 else { throw failure("listen", path) }
    } catch {
        close(descriptor)
        throw error
    }
    return descriptor
}

private func failure(_ call: String, _ path: String) -> HandoffError {
    .system(cause: .system(call: "\(call) \(path)", errno: errno))
}

/// Removes a socket on which nobody listens.
///
/// - Throws: ``HandoffError/addressInUse(path:)`` when somebody does, or when something else than a socket stands there.
private func removeStale(_ path: String) throws(HandoffError) {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else { throw .addressInUse(path: path) }
    do throws(SealedMemoryError) {
        _ = try DescriptorSocket(connectingTo: path)
    } catch .system(call: "connect", errno: ECONNREFUSED) {
        unsafe unlink(path)
        return
    } catch {
        throw .system(cause: error)
    }
    throw .addressInUse(path: path)
}
