import Glibc
import Telemetry

/// What a command has to say, with every write checked: a result that is cut short must not pass for a whole one.
package enum StandardOutput {
    /// Whether a person sees it, between the lines of standard error.
    package static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Writes all bytes at once.
    package static func write(_ bytes: [UInt8]) throws(OutputError) {
        try write(bytes, to: STDOUT_FILENO)
    }

    /// Writes the text and a line end. Text of others that stands in it can neither end the line nor steer a terminal.
    package static func printLine(_ text: String) throws(OutputError) {
        try write(Array((printableLine(text) + "\n").utf8))
    }

    /// Closes it, behind the last write: some file systems say only then that a disk is full.
    package static func close() throws(OutputError) {
        guard Glibc.close(STDOUT_FILENO) == 0 else { throw OutputError(code: errno) }
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32) throws(OutputError) {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw OutputError(code: errno) }
            written += count
        }
    }
}

/// Standard output took not all of what was written. The program exits with 74.
package struct OutputError: Error, Equatable, CustomStringConvertible {
    /// The value of `errno`.
    package let code: Int32

    package var description: String {
        "standard output cannot be written to its end: \(unsafe String(cString: strerror(code)))"
    }
}
