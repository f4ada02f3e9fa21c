import DurableFiles
import Glibc
import Names

/// Paths of Unix sockets, as an operator gives them.
package enum SocketPath {
    /// Refuses two settings that name one path: whoever listens second would find the first, and call it another process.
    ///
    /// - Throws: ``ConfigurationError/unacceptable(key:value:accepted:)``.
    package static func checkDistinct(
        _ path: String, key: String, from other: String?, key otherKey: String
    ) throws(ConfigurationError) {
        guard let other, Name(resolved(path)) == Name(resolved(other)) else { return }
        throw .unacceptable(key: key, value: path, accepted: "another path than that of \(otherKey)")
    }

    /// The path through its directory, which is there before its sockets are.
    private static func resolved(_ path: String) -> String {
        let name = path.pieces(at: "/").last ?? ""
        guard let real = unsafe realpath(directory(of: path), nil) else { return path }
        defer { unsafe free(real) }
        return unsafe String(cString: real) + "/" + name
    }
}
