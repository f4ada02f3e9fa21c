import CRocksDB

/// A file that a database stands on.
package struct LiveFile: Hashable, Sendable {
    package let name: String
    package let sizeBytes: UInt64
    package let holdsValues: Bool
}

/// How RocksDB takes what it finds while it only reads.
package enum ReadingRule: Sendable {
    /// Missing tables are errors; the log is read up to its first damage.
    case strict
    /// Missing tables are errors once they are needed; damaged records of the log are skipped.
    case forgiving
}

extension Database {
    /// Opens a directory without changing anything in it.
    ///
    /// - Parameters:
    ///   - logDirectory: where logs are looked for; nil for the directory itself.
    ///   - families: exactly those that the manifest tells of, but for RocksDB's own.
    package static func reading(
        _ path: String, logDirectory: String? = nil, rule: ReadingRule, families: [String]
    ) throws(RocksError) -> Database {
        var opened: OpaquePointer?
        let texts = families.map { Array($0.utf8CString) }
        let status = unsafe texts.flatMap { $0 }.withUnsafeBufferPointer { bytes in
            var offset = 0
            var names: [UnsafePointer<CChar>?] = unsafe []
            for text in texts {
                unsafe names.append(bytes.baseAddress.map { unsafe $0 + offset })
                offset += text.count
            }
            guard let logDirectory else {
                return unsafe crocks_open_reading(path, nil, rule == .forgiving, names, names.count, &opened)
            }
            return unsafe crocks_open_reading(path, logDirectory, rule == .forgiving, names, names.count, &opened)
        }
        try unsafe check(status)
        guard let opened = unsafe opened else { throw RocksError(.other(code: 0), "opened nothing") }
        return unsafe Database(adopting: opened)
    }

    /// The families that a directory's manifest tells of, RocksDB's own among them.
    package static func familyNames(in path: String) throws(RocksError) -> [String] {
        var names: [String] = []
        let status = unsafe withUnsafeMutablePointer(to: &names) { pointer in
            unsafe crocks_list_families(path, pointer) { context, name in
                // Invariant: the context is the array above, which outlives the call.
                guard let context = unsafe context, let name = unsafe name else { return }
                unsafe context.assumingMemoryBound(to: [String].self).pointee.append(String(cString: name))
            }
        }
        try unsafe check(status)
        return names
    }

    /// The number that stands for a family in logs.
    package func familyNumber(of family: UInt32) -> UInt32 {
        unsafe crocks_family_id(self.handle, family)
    }

    /// Every file of tables and of values that the database stands on.
    package func liveFiles() -> [LiveFile] {
        var files: [LiveFile] = []
        unsafe withUnsafeMutablePointer(to: &files) { pointer in
            unsafe crocks_live_files(self.handle, pointer) { context, name, bytes, isBlob in
                // Invariant: the context is the array above, which outlives the call.
                guard let context = unsafe context, let name = unsafe name else { return }
                // Files of values come with a slash before their name.
                let text = unsafe String(cString: name)
                unsafe context.assumingMemoryBound(to: [LiveFile].self).pointee.append(
                    LiveFile(
                        name: text.utf8.first == UInt8(ascii: "/")
                            ? String(decoding: text.utf8.dropFirst(), as: UTF8.self) : text, sizeBytes: bytes,
                        holdsValues: isBlob))
            }
        }
        return files
    }

    /// The manifest and how many bytes of it are on the disk.
    package func manifest() throws(RocksError) -> (name: String, sizeBytes: UInt64) {
        var text: UnsafeMutablePointer<CChar>?
        var bytes: UInt64 = 0
        try unsafe check(crocks_manifest(self.handle, &text, &bytes))
        guard let text = unsafe text else { throw RocksError(.corruption, "no manifest") }
        let name = unsafe String(cString: text)
        unsafe crocks_free_text(text)
        return (name, bytes)
    }

    /// Rises when a log is begun or the manifest changes, before any write that comes after is acknowledged.
    package var changeCount: UInt64 { unsafe crocks_change_count(self.handle) }

    /// Returns when all that was written to the log is on the disk.
    package func syncLog() throws(RocksError) {
        try unsafe check(crocks_sync_log(self.handle))
    }
}
