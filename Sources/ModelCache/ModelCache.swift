package import Digests
package import DurableFiles
import Glibc
package import Names
import Synchronization

/// The sidecar's cache on disk: artifacts and images in compressed blocks, and a record for each model.
///
/// All calls block. A file is there whole or not at all; one that is damaged is noticed when it is read, dropped, and
/// made anew by the caller. One process works in a directory at a time.
package final class ModelCache: Sendable {
    package let directory: String
    private let budgetBytes: UInt64
    private let threadCount: Int
    let disk: any Disk
    private let lock: DirectoryLock
    private let files: Mutex<KeptFiles>

    /// Opens the directory, made when it is not there, and removes what a killed process left half written.
    ///
    /// - Parameters:
    ///   - budgetBytes: how much the files may take together; what is least recently used goes first.
    ///   - threadCount: how many threads compress and hydrate.
    /// - Throws: ``ModelCacheError/directoryInUse(_:)`` or ``ModelCacheError/file(_:)``.
    package init(
        directory: String, budgetBytes: UInt64, threadCount: Int = 2, disk: any Disk = SystemDisk()
    ) throws(ModelCacheError) {
        self.directory = directory
        self.budgetBytes = budgetBytes
        self.threadCount = threadCount
        self.disk = disk
        let contentDirectory = directory + "/content"
        let recordDirectory = directory + "/models"
        let kept: KeptFiles
        do throws(FileError) {
            try disk.makeDirectory(contentDirectory, mode: 0o700)
            try disk.makeDirectory(recordDirectory, mode: 0o700)
        } catch {
            throw .file(error)
        }
        self.lock = try DirectoryLock(directory)
        do throws(FileError) {
            for path in [directory, contentDirectory, recordDirectory] {
                for name in try disk.list(path) where name.hasByteSuffix(".new") { try disk.remove(path + "/" + name) }
            }
            kept = KeptFiles(try disk.list(contentDirectory), in: contentDirectory)
        } catch {
            throw .file(error)
        }
        self.files = Mutex(kept)
    }

    // MARK: Content

    package func contains(_ key: CacheKey) -> Bool { files.withLock { $0.contains(key) } }

    /// How many bytes the artifacts and images take on disk.
    package var usedBytes: UInt64 { files.withLock { $0.usedBytes } }

    /// Keeps some content durably, compressed where that shrinks it.
    ///
    /// - Parameter digest: the content's SHA-256.
    /// - Returns: how many bytes it takes on disk.
    package func store(
        _ content: UnsafeRawBufferPointer, digest: ContentDigest, as key: CacheKey
    ) throws(ModelCacheError) -> UInt64 {
        let file = unsafe BlockFile.encoded(content, kind: key.kind, digest: digest, threadCount: threadCount)
        do throws(FileError) {
            try unsafe disk.replace(path(key), with: file.span.bytes)
        } catch {
            throw .file(error)
        }
        files.withLock { $0.use(key, sizeBytes: UInt64(file.count)) }
        return UInt64(file.count)
    }

    /// Gives kept content as sealed memory, and the SHA-256 it was stored with.
    ///
    /// - Throws: ``ModelCacheError/missing(_:)``; ``ModelCacheError/damaged(file:what:)`` after the file was dropped; what the
    ///   process has too little of, memory or descriptors, as ``ModelCacheError/memory(_:)`` or ``ModelCacheError/file(_:)``.
    package func hydrate(_ key: CacheKey) throws(ModelCacheError) -> HydratedContent {
        guard contains(key) else { throw .missing(key.fileName) }
        do throws(ModelCacheError) {
            let hydrated = try read(key)
            let now = files.withLock { $0.use(key) }
            // The order of use is only advice to the next process: nothing is lost when it cannot be kept.
            unsafe withUnsafePointer(to: (now, now)) { times in
                _ = unsafe times.withMemoryRebound(to: timespec.self, capacity: 2) {
                    unsafe utimensat(AT_FDCWD, path(key), $0, 0)
                }
            }
            return hydrated
        } catch {
            guard case .damaged = error else { throw error }
            do throws(ModelCacheError) {
                try drop(key)
            } catch {
                // It is forgotten all the same; the file goes when another takes its place. The damage is the one to tell.
            }
            throw error
        }
    }

    private func read(_ key: CacheKey) throws(ModelCacheError) -> HydratedContent {
        let file: MappedFile
        do throws(FileError) {
            file = try MappedFile(path(key))
        } catch {
            // The file is as good as it was when it is the process that can open no other.
            if [EMFILE, ENFILE, ENOMEM].contains(error.code) { throw .file(error) }
            throw .damaged(file: path(key), what: "\(error)")
        }
        return try BlockFile.hydrate(file, path: path(key), kind: key.kind, threadCount: threadCount)
    }

    /// Forgets some content, also where its file cannot be removed.
    package func drop(_ key: CacheKey) throws(ModelCacheError) {
        files.withLock { $0.forget(key) }
        do throws(FileError) { try disk.remove(path(key)) } catch { throw .file(error) }
    }

    /// Drops what is least recently used until the budget is kept.
    ///
    /// - Parameters:
    ///   - keeping: the artifacts in use, which stay with their images even if the budget is exceeded.
    ///   - isDiskFull: then everything goes that is not in use: the file system has less room than the budget.
    /// - Returns: what was dropped.
    package func evict(keeping: Set<ContentDigest>, isDiskFull: Bool = false) throws(ModelCacheError) -> [CacheKey] {
        let victims = files.withLock { $0.victims(budgetBytes: isDiskFull ? 0 : budgetBytes, keeping: keeping) }
        for key in victims { try drop(key) }
        return victims
    }

    // MARK: Records

    /// Remembers a model's live version in place of the one before.
    package func remember(_ record: ModelRecord) throws(ModelCacheError) {
        let bytes = record.encoded
        do throws(FileError) {
            try unsafe disk.replace(recordPath(record.model), with: bytes.span.bytes)
        } catch {
            throw .file(error)
        }
    }

    /// Forgets a model; its content stays until it is evicted.
    package func forget(model: Name) throws(ModelCacheError) {
        do throws(FileError) { try disk.remove(recordPath(model)) } catch { throw .file(error) }
    }

    /// Every model remembered, and why others cannot be told: a damaged record is dropped, and its model is fetched anew; one
    /// that cannot be read now stays for the next start.
    package func records() throws(ModelCacheError) -> (records: [ModelRecord], problems: [ModelCacheError]) {
        let recordDirectory = directory + "/models"
        let names: [String]
        do throws(FileError) { names = try disk.list(recordDirectory) } catch { throw .file(error) }
        var records: [ModelRecord] = []
        var problems: [ModelCacheError] = []
        for name in names {
            let path = recordDirectory + "/" + name
            do throws(FileError) {
                let bytes = try disk.read(path, limitBytes: 1 << 20)
                // A file under another's name would be the second of its model.
                if let record = ModelRecord(encoded: bytes), recordPath(record.model).utf8.elementsEqual(path.utf8) {
                    records.append(record)
                } else {
                    problems.append(.damaged(file: path, what: "not a record as it was written"))
                    try disk.remove(path)
                }
            } catch {
                problems.append(.file(error))
            }
        }
        return (records, problems)
    }

    private func path(_ key: CacheKey) -> String { directory + "/content/" + key.fileName }

    /// Model names are free text, so that the file is named by the digest of its model's name.
    private func recordPath(_ model: Name) -> String {
        directory + "/models/\(unsafe ContentDigest(of: Array(model.utf8).span.bytes)).model"
    }
}
