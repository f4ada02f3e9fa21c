import Glibc

/// Makes the socket file of a listener, with its permissions right before anyone can connect.
package enum UnixSocket {
    /// Returns a bound descriptor that does not listen yet.
    package static func bound(path: String, mode: UInt16) throws(HTTPServerError) -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < capacity, !path.utf8.isEmpty, !path.utf8.contains(0) else {
            throw .cannotListen(address: path, cause: SystemError(number: ENAMETOOLONG))
        }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { target in unsafe target.copyBytes(from: path.utf8) }

        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .cannotListen(address: path, cause: SystemError(number: errno)) }
        do throws(HTTPServerError) {
            try self.removeDead(path, address: address)
            guard unsafe Self.call(bind, descriptor, address) == 0, unsafe chmod(path, mode_t(mode)) == 0 else {
                throw HTTPServerError.cannotListen(address: path, cause: SystemError(number: errno))
            }
            return descriptor
        } catch {
            _ = close(descriptor)
            throw error
        }
    }

    /// Removes a socket file that nobody listens on. A file of another kind is left, and `bind` refuses it.
    private static func removeDead(_ path: String, address: sockaddr_un) throws(HTTPServerError) {
        var facts = stat()
        guard unsafe lstat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFSOCK else { return }
        let probe = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        defer { _ = close(probe) }
        if unsafe Self.call(connect, probe, address) == 0 { throw .socketInUse(path: path) }
        guard errno == ECONNREFUSED, unsafe unlink(path) == 0 else {
            throw .cannotListen(address: path, cause: SystemError(number: errno))
        }
    }

    /// Removes the file of a listener that has stopped.
    package static func remove(_ path: String) { _ = unsafe unlink(path) }

    private static func call(
        _ function: (CInt, UnsafePointer<sockaddr>, socklen_t) -> CInt, _ descriptor: CInt, _ address: sockaddr_un
    ) -> CInt {
        unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe function(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

/// An error number of the system, with its text.
struct SystemError: Error, CustomStringConvertible {
    let number: CInt

    var description: String { unsafe String(cString: strerror(self.number)) }
}
