import CArchive
import Names

/// Unpacks tar and zip archives, plain or compressed with gzip or zstd, from memory into memory.
///
/// The bytes are hostile: nothing is written to disk, no link is followed, no size in a header is believed, and every limit
/// is checked while the bytes come and not afterwards. The kind is told by the content, never by a name.
///
/// The library does not compare gzip's own checksum; that the bytes are the ones that were pushed is proved before they come
/// here, by the digests of the transfer.
package enum Archive {
    /// - Parameters:
    ///   - bytes: the whole archive; lent for the call.
    ///   - keptBytes: how many bytes of the file at a path may be kept: nil to pass over its content, which counts towards
    ///     the limits all the same. Asked before anything of the file is unpacked.
    /// - Returns: the regular files in their order, those passed over without their bytes. Directories are passed over.
    /// - Throws: ``ArchiveError``; nothing is kept of what was unpacked so far.
    package static func unpack(
        _ bytes: UnsafeRawBufferPointer, limits: ArchiveLimits = ArchiveLimits(),
        keptBytes: (_ path: String) -> UInt64? = { _ in .max }
    ) throws(ArchiveError) -> [ArchiveMember] {
        guard let start = bytes.baseAddress, bytes.count > 0 else { throw .notAnArchive(reason: "it is empty") }
        let reader = ArchiveReader()
        try reader.enableFormats()
        guard unsafe archive_read_open_memory(reader.handle, start, bytes.count) == ARCHIVE_OK else {
            throw .notAnArchive(reason: reader.problem)
        }
        var members: [ArchiveMember] = []
        var paths: Set<Name> = []
        var entryCount = 0
        var budget = Budget(limits: limits, packedBytes: UInt64(bytes.count))
        while let entry = try unsafe reader.nextEntry(isFirst: entryCount == 0) {
            entryCount += 1
            guard entryCount <= limits.entryCount else { throw .tooManyEntries(limit: limits.entryCount) }
            guard let path = try unsafe regularPath(of: entry, limits: limits) else { continue }
            guard paths.insert(Name(path)).inserted else { throw .duplicatePath(path) }
            let contents = try reader.contents(of: path, keptBytes: keptBytes(path), within: &budget)
            members.append(ArchiveMember(path: path, bytes: contents))
        }
        return members
    }

    /// As ``unpack(_:limits:keptBytes:)`` for bytes in an array.
    package static func unpack(
        _ bytes: [UInt8], limits: ArchiveLimits = ArchiveLimits(),
        keptBytes: (_ path: String) -> UInt64? = { _ in .max }
    ) throws(ArchiveError) -> [ArchiveMember] {
        let result: Result<[ArchiveMember], ArchiveError> = unsafe bytes.withUnsafeBytes { buffer in
            do throws(ArchiveError) {
                return .success(try unsafe unpack(buffer, limits: limits, keptBytes: keptBytes))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// The checked path of a regular file; nil for a directory.
    private static func regularPath(of entry: OpaquePointer, limits: ArchiveLimits) throws(ArchiveError) -> String? {
        guard let text = unsafe archive_entry_pathname_utf8(entry) ?? archive_entry_pathname(entry) else {
            throw .unsafePath("")
        }
        let path = unsafe String(cString: text)
        let components = path.pieces(at: "/").filter { !$0.isEmpty && Name($0) != "." }
        let isSafe =
            !path.hasBytePrefix("/") && !components.contains { Name($0) == ".." } && path.utf8.count <= limits.pathBytes
            && !path.utf8.contains { $0 < 0x20 || $0 == UInt8(ascii: "\\") || $0 == 0x7F }
        guard isSafe else { throw .unsafePath(String(path.prefix(200))) }
        let type = UInt32(unsafe archive_entry_filetype(entry))
        if type == FileType.directory { return nil }
        guard type == FileType.regular, unsafe archive_entry_hardlink(entry) == nil else {
            throw .notARegularFile(path: path)
        }
        guard !components.isEmpty else { throw .unsafePath(path) }
        return components.joined(separator: "/")
    }

    /// The file types of POSIX; the library's names for them are macros that Swift does not see.
    private enum FileType {
        static let regular: UInt32 = 0o100000
        static let directory: UInt32 = 0o040000
    }
}

/// What may still be unpacked.
private struct Budget {
    let limits: ArchiveLimits
    let packedBytes: UInt64
    private var unpackedBytes: UInt64 = 0

    init(limits: ArchiveLimits, packedBytes: UInt64) {
        self.limits = limits
        self.packedBytes = packedBytes
    }

    mutating func spend(_ count: Int) throws(ArchiveError) {
        unpackedBytes += UInt64(count)
        guard unpackedBytes <= limits.totalBytes else { throw .tooLarge(limitBytes: limits.totalBytes) }
        guard unpackedBytes > limits.ratioFreeBytes else { return }
        guard unpackedBytes / max(packedBytes, 1) <= limits.ratio else { throw .ratioTooHigh(limit: limits.ratio) }
    }
}

/// One `struct archive` for reading, freed with the value.
@safe private struct ArchiveReader: ~Copyable {
    let handle: OpaquePointer
    private static let pieceBytes = 256 * 1024

    init() {
        // Null means that the allocator is out of memory, and then nothing else works either.
        unsafe self.handle = archive_read_new()!
    }

    /// Lets it read tar and zip, plain or compressed.
    func enableFormats() throws(ArchiveError) {
        _ = unsafe archive_read_support_format_tar(handle)
        _ = unsafe archive_read_support_format_zip_seekable(handle)
        // A warning means that the library would start an outside program to decompress.
        guard unsafe archive_read_support_filter_gzip(handle) == ARCHIVE_OK else {
            throw .unsupportedLibrary(filter: "gzip")
        }
        guard unsafe archive_read_support_filter_zstd(handle) == ARCHIVE_OK else {
            throw .unsupportedLibrary(filter: "zstd")
        }
    }

    deinit { _ = unsafe archive_read_free(handle) }

    /// What the library says of its last failure.
    var problem: String {
        unsafe archive_error_string(handle).map { unsafe String(cString: $0) } ?? "no reason given"
    }

    func nextEntry(isFirst: Bool) throws(ArchiveError) -> OpaquePointer? {
        var entry: OpaquePointer?
        switch unsafe archive_read_next_header(handle, &entry) {
        case ARCHIVE_OK, ARCHIVE_WARN: return unsafe entry
        case ARCHIVE_EOF: return nil
        default: throw isFirst ? .notAnArchive(reason: problem) : .damaged(reason: problem)
        }
    }

    func contents(of path: String, keptBytes: UInt64?, within budget: inout Budget) throws(ArchiveError) -> [UInt8] {
        var contents: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: Self.pieceBytes)
        while true {
            let count = unsafe archive_read_data(handle, &piece, piece.count)
            guard count >= 0 else { throw .damaged(reason: problem) }
            guard count > 0 else { return contents }
            try budget.spend(count)
            guard let keptBytes else { continue }
            guard UInt64(contents.count + count) <= keptBytes else {
                throw .memberTooLarge(path: path, limitBytes: keptBytes)
            }
            contents += piece[..<count]
        }
    }
}
