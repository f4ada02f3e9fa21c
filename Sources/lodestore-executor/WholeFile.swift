import Glibc

/// Files that a command is given by name and reads at once.
enum WholeFile {
    /// Larger files are refused before they are read.
    static let limitBytes = 4 << 30

    static func read(_ path: String) throws(FileProblem) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileProblem(path: path, errno: errno) }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw FileProblem(path: path, errno: errno) }
        guard facts.st_size <= limitBytes else { throw FileProblem(path: path, errno: EFBIG) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 256 * 1024)
        while bytes.count <= limitBytes {
            let count = unsafe Glibc.read(descriptor, &piece, piece.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw FileProblem(path: path, errno: errno) }
            guard count > 0 else { return bytes }
            bytes += piece[..<count]
        }
        throw FileProblem(path: path, errno: EFBIG)
    }
}

/// Why a named file could not be read.
struct FileProblem: Error, CustomStringConvertible {
    let path: String
    let errno: Int32

    var description: String { "\(path): \(String(cString: unsafe strerror(errno)))" }
}
