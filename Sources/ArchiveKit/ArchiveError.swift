/// Why an archive was refused. Nothing was written anywhere; the bytes themselves must change for another answer.
package enum ArchiveError: Error, Equatable, Sendable, CustomStringConvertible {
    case notAnArchive(reason: String)
    case damaged(reason: String)
    case unsafePath(String)
    case notARegularFile(path: String)
    case duplicatePath(String)
    case tooLarge(limitBytes: UInt64)
    /// One file is larger than what it is for may be.
    case memberTooLarge(path: String, limitBytes: UInt64)
    case tooManyEntries(limit: Int)
    case ratioTooHigh(limit: UInt64)
    /// The library on this machine was built without a decompressor and would start a program for it.
    case unsupportedLibrary(filter: String)

    package var description: String {
        switch self {
        case .notAnArchive(let reason): "not an archive: \(reason)"
        case .damaged(let reason): "the archive is damaged: \(reason)"
        case .unsafePath(let path): "the archive names the unsafe path \"\(path)\""
        case .notARegularFile(let path): "\"\(path)\" in the archive is a link or a device and not a file"
        case .duplicatePath(let path): "\"\(path)\" stands in the archive twice"
        case .tooLarge(let limit): "the archive unpacks to more than \(limit) bytes"
        case .memberTooLarge(let path, let limit): "\"\(path)\" in the archive has more than \(limit) bytes"
        case .tooManyEntries(let limit): "the archive has more than \(limit) entries"
        case .ratioTooHigh(let limit): "the archive unpacks to more than \(limit) times its size"
        case .unsupportedLibrary(let filter): "libarchive has no \(filter) of its own here"
        }
    }
}
