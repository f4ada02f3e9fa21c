import Digests
import Glibc

/// Which files the cache keeps, how large they are and in which order they were used.
struct KeptFiles: ~Copyable {
    private struct File {
        var sizeBytes: UInt64
        /// Rises with each use.
        var lastUse: UInt64
    }

    private var files: [CacheKey: File] = [:]
    private var useCount: UInt64 = 0
    private(set) var usedBytes: UInt64 = 0

    /// What a directory holds, in the order of its files' modification times.
    init(_ names: [String], in directory: String) {
        var found: [(key: CacheKey, sizeBytes: UInt64, seconds: Int, nanoseconds: Int)] = []
        for name in names {
            guard let key = CacheKey(fileName: name) else { continue }
            var status = stat()
            guard unsafe stat(directory + "/" + name, &status) == 0 else { continue }
            found.append((key, UInt64(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec))
        }
        for file in found.sorted(by: { ($0.seconds, $0.nanoseconds) < ($1.seconds, $1.nanoseconds) }) {
            use(file.key, sizeBytes: file.sizeBytes)
        }
    }

    func contains(_ key: CacheKey) -> Bool { files[key] != nil }

    mutating func use(_ key: CacheKey, sizeBytes: UInt64) {
        forget(key)
        useCount += 1
        files[key] = File(sizeBytes: sizeBytes, lastUse: useCount)
        usedBytes += sizeBytes
    }

    /// - Returns: the time of use, for the file itself.
    mutating func use(_ key: CacheKey) -> timespec {
        useCount += 1
        files[key]?.lastUse = useCount
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return now
    }

    mutating func forget(_ key: CacheKey) {
        guard let file = files.removeValue(forKey: key) else { return }
        usedBytes -= file.sizeBytes
    }

    /// What must go for the budget, least recently used first.
    func victims(budgetBytes: UInt64, keeping: Set<ContentDigest>) -> [CacheKey] {
        var rest = usedBytes
        var victims: [CacheKey] = []
        for (key, file) in files.sorted(by: { $0.value.lastUse < $1.value.lastUse }) {
            guard rest > budgetBytes else { break }
            guard !keeping.contains(key.artifactDigest) else { continue }
            victims.append(key)
            rest -= file.sizeBytes
        }
        return victims
    }
}
