import Foundation
import Testing

/// RocksDB's CRC32C, which on x86-64 this package computes in its place.
@Suite(.timeLimit(.minutes(3))) struct ChecksumTests {
    private typealias Extend = @convention(c) (UInt32, UnsafePointer<UInt8>?, Int) -> UInt32
    private static let symbol = "_ZN7rocksdb6crc32c6ExtendEjPKcm"

    /// As the dynamic linker binds it for the library too: the first definition in load order.
    private func bound() throws -> Extend {
        let address = try #require(dlsym(nil, Self.symbol))
        return unsafeBitCast(address, to: Extend.self)
    }

    /// Source: RFC 3720, appendix B.4.
    @Test(
        arguments: [
            (Array(repeating: 0, count: 32), 0x8A91_36AA), (Array(repeating: 0xFF, count: 32), 0x62A8_AB43),
            (Array(0..<32), 0x46DD_794E), ((0..<32).reversed(), 0x113F_DB5C), (Array("123456789".utf8), 0xE306_9283),
            ([], 0),
        ] as [([UInt8], UInt32)])
    func theValuesAreThoseOfTheStandard(bytes: [UInt8], expected: UInt32) throws {
        let extend = try bound()
        #expect(extend(0, bytes, bytes.count) == expected)
        for split in 0...bytes.count {
            let head = Array(bytes[..<split])
            let tail = Array(bytes[split...])
            #expect(extend(extend(0, head, head.count), tail, tail.count) == expected)
        }
    }

    #if arch(x86_64)
        @Test func theLibraryUsesOurs() throws {
            let address = UInt(bitPattern: try #require(dlsym(nil, Self.symbol)))
            let maps = try String(contentsOfFile: "/proc/self/maps", encoding: .utf8).split(separator: "\n")
            let mapping = try #require(
                maps.first { line in
                    let ends = line.prefix { $0 != " " }.split(separator: "-").compactMap { UInt($0, radix: 16) }
                    return ends.count == 2 && (ends[0]..<ends[1]).contains(address)
                })
            #expect(!mapping.contains("librocksdb"))
        }
    #endif
}
