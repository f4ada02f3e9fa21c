import Foundation
import PropertyTesting
import S3Types
import Synchronization

@testable import ObjectEngine

/// A small store as a killed process leaves it, of which damaged copies are made.
///
/// The first half of its objects lies in tables and files of values, the second in the log.
struct DamagedStore: Sendable {
    /// Names in the order they were acknowledged, with the seeds and sizes of their bytes.
    struct Stored: Sendable {
        let name: String
        let bytes: [UInt8]
    }

    let root: String
    let stored: [Stored]
    /// Files relative to the directory, in the order of their names.
    let files: [String]

    private static let sizes = [100, 3000, 40_000, 9, 300_000, 20_000, 1_200_000, 700]

    static func make() async throws -> DamagedStore {
        let root = NSTemporaryDirectory() + "/lodestore-damage-" + UUID().uuidString
        let live = root + "/live"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        var stored: [Stored] = []
        for half in 0..<2 {
            let engine = try StorageEngine.open(configuration(live))
            let added = try await withTaskExecutorPreference(engine.executor) {
                let bucket = half == 0 ? try await engine.makeBucket() : try engine.bucket(bucketName())
                var added: [Stored] = []
                for number in 0..<21 {
                    let name = "\(half)-\(number)"
                    // No run of zeros: what a disk shows of sectors that were never written.
                    let bytes = pattern(sizes[number % sizes.count], seed: UInt64(half * 100 + number + 1))
                    try await engine.put(name, bytes, in: bucket)
                    added.append(Stored(name: name, bytes: bytes))
                }
                return added
            }
            stored += added
            if half == 1 { try FileManager.default.copyItem(atPath: live, toPath: root + "/killed") }
            engine.close()
        }
        try FileManager.default.removeItem(atPath: live)
        let files = try FileManager.default.subpathsOfDirectory(atPath: root + "/killed").filter { path in
            var isDirectory: ObjCBool = false
            return FileManager.default.fileExists(atPath: root + "/killed/" + path, isDirectory: &isDirectory)
                && !isDirectory.boolValue
        }
        return DamagedStore(root: root, stored: stored, files: files.sorted())
    }

    func remove() { try? FileManager.default.removeItem(atPath: root) }

    static func configuration(_ directory: String) -> EngineConfiguration {
        var configuration = EngineConfiguration(directory: directory)
        configuration.threadCount = 2
        configuration.cacheBytes = 4 << 20
        configuration.ingestThresholdBytes = 1 << 20
        // A tenth of a second a look, so that the bound rises every ten commits.
        let clock = Ticks()
        configuration.now = { clock.next() }
        return configuration
    }

    /// A copy whose files are links, but for those that are to be changed.
    func copy(_ name: String, changing changed: Set<String>) throws -> String {
        let copy = root + "/" + name
        for folder in ["", "/rocksdb", "/staging"] {
            try FileManager.default.createDirectory(atPath: copy + folder, withIntermediateDirectories: true)
        }
        for file in files {
            let source = root + "/killed/" + file
            if changed.contains(file) || file == "bound" {
                try FileManager.default.copyItem(atPath: source, toPath: copy + "/" + file)
            } else if link(source, copy + "/" + file) != 0 {
                throw CocoaError(.fileWriteUnknown)
            }
        }
        return copy
    }

    /// Names, sizes and times of change of everything in a directory. Logs are links that RocksDB touches elsewhere when it
    /// is done with them: without their times.
    static func listing(_ directory: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: directory).sorted().map { path in
            var status = stat()
            stat(directory + "/" + path, &status)
            let time = path.hasSuffix(".log") ? "" : "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
            return "\(path) \(status.st_size) \(time) \(status.st_ino)"
        }
    }
}

/// A clock that moves with each look.
private final class Ticks: Sendable {
    private let value = Mutex<Int64>(1_700_000_000_000)

    func next() -> Int64 {
        value.withLock { value in
            value += 100
            return value
        }
    }
}

/// One change of one file.
struct Injury: Sendable, CustomStringConvertible {
    enum Kind: Sendable, Equatable {
        case flip(byte: Int, bit: Int)
        case cut(to: Int)
        case delete
    }

    let file: String
    let kind: Kind

    var description: String { "\(file) \(kind)" }
    var isLog: Bool { file.hasSuffix(".log") }

    static func random(in store: DamagedStore, using random: inout SeededGenerator) throws -> Injury {
        let file = store.files.randomElement(using: &random)!
        let attributes = try FileManager.default.attributesOfItem(atPath: store.root + "/killed/" + file)
        let size = attributes[.size] as? Int ?? 0
        switch Int.random(in: 0..<10, using: &random) {
        case 0: return Injury(file: file, kind: .delete)
        case 1...3 where size > 0: return Injury(file: file, kind: .cut(to: Int.random(in: 0..<size, using: &random)))
        case _ where size > 0:
            return Injury(
                file: file,
                kind: .flip(byte: Int.random(in: 0..<size, using: &random), bit: Int.random(in: 0..<8, using: &random)))
        default: return Injury(file: file, kind: .delete)
        }
    }

    func inflict(on directory: String) throws {
        let path = directory + "/" + file
        switch kind {
        case .delete: try FileManager.default.removeItem(atPath: path)
        case .cut(let size): guard truncate(path, off_t(size)) == 0 else { throw CocoaError(.fileWriteUnknown) }
        case .flip(let byte, let bit):
            let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
            defer { try? handle.close() }
            try handle.seek(toOffset: UInt64(byte))
            guard let old = try handle.read(upToCount: 1)?.first else { throw CocoaError(.fileReadUnknown) }
            try handle.seek(toOffset: UInt64(byte))
            try handle.write(contentsOf: [old ^ 1 << UInt8(bit)])
        }
    }
}
