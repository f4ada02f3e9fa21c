import Glibc

/// Which call on a file failed, and why.
package struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Operation: String, Hashable, Sendable {
        case open, read, write, sync, rename, remove, list, makeDirectory, map, populate, lock
    }

    package let operation: Operation
    package let path: String
    /// The value of `errno`.
    package let code: Int32

    package init(_ operation: Operation, _ path: String, code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    package var description: String {
        "\(operation.rawValue) \(path): \(unsafe String(cString: strerror(code))) (errno \(code))"
    }
}
