import Digests
import Glibc
import PropertyTesting
import SealedMemory

@testable import ModelCache

/// A directory of its own for one test, removed with the value.
final class TemporaryDirectory {
    let path: String

    init() {
        var template = Array("/tmp/lodestore-cache-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template))
    }

    deinit { removeTree(path) }
}

private func removeTree(_ path: String) {
    if let stream = opendir(path) {
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { removeTree(path + "/" + name) }
        }
        closedir(stream)
        rmdir(path)
    } else {
        unlink(path)
    }
}

/// Half text that shrinks, half noise that does not, in runs of up to 100,000 bytes.
func mixedContent(_ count: Int, using random: inout SeededGenerator) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    while bytes.count < count {
        let run = min(count - bytes.count, Int.random(in: 1...100_000, using: &random))
        if Bool.random(using: &random) {
            bytes += repeatElement(UInt8.random(in: 0...255, using: &random), count: run)
        } else {
            for _ in 0..<run { bytes.append(UInt8.random(in: 0...255, using: &random)) }
        }
    }
    return bytes
}

extension ModelCache {
    @discardableResult
    func store(_ bytes: [UInt8], as key: CacheKey) throws -> UInt64 {
        try bytes.withUnsafeBytes { try store($0, digest: ContentDigest(of: bytes.span.bytes), as: key) }
    }

    func content(of key: CacheKey) throws -> [UInt8] {
        let content = try hydrate(key)
        let mapped = try content.memory.mapped()
        return mapped.copied
    }
}

extension MappedMemory {
    var copied: [UInt8] { Array(bytes) }
}

func artifactKey(_ number: UInt8) -> CacheKey { .artifact(ContentDigest(bytes: Array(repeating: number, count: 32))!) }
