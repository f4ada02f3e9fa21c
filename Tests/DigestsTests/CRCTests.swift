import Digests
import Testing

@Suite(.timeLimit(.minutes(3))) struct CRCTests {
    private static let all: [CRC] = [.crc32, .crc32c, .crc64nvme]

    @Test func answersTheCheckValuesOfItsParameters() {
        let check = Array("123456789".utf8)
        #expect(CRC.crc32.checksum(check) == 0xCBF4_3926)
        #expect(CRC.crc32c.checksum(check) == 0xE306_9283)
        #expect(CRC.crc64nvme.checksum(check) == 0xAE8B_1486_0A79_9888)
        for crc in Self.all { #expect(crc.checksum([]) == 0) }
    }

    /// Every length around the fold's block sizes, and every alignment of the first byte.
    @Test func foldingAgreesWithTheTableWalk() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededBytes(seed: seed)
        let bytes = random.bytes(4096 + 16)
        for crc in Self.all {
            for length in Array(0...520) + [1023, 1024, 1025, 4095, 4096] {
                let start = length % 16
                let value = random.next() >> UInt64(64 - crc.bitWidth)
                let span = bytes.span.bytes.extracting(start..<(start + length))
                #expect(
                    crc.update(value, span) == crc.reference(value, span),
                    "seed \(seed), length \(length), \(crc.bitWidth) bits")
            }
        }
    }

    @Test func takingBytesInPiecesChangesNothing() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededBytes(seed: seed)
        let bytes = random.bytes(10_000)
        for crc in Self.all {
            let whole = crc.checksum(bytes)
            for _ in 0..<50 {
                var value = crc.empty
                var offset = 0
                while offset < bytes.count {
                    let end = min(bytes.count, offset + Int(random.next() % 900))
                    value = crc.update(value, bytes.span.bytes.extracting(offset..<end))
                    offset = end
                }
                #expect(value == whole, "seed \(seed)")
            }
        }
    }

    @Test func combiningEqualsChecksummingTheConcatenation() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededBytes(seed: seed)
        for crc in Self.all {
            for (first, second) in [(0, 0), (0, 5), (5, 0), (1, 1), (9, 1000), (1000, 65_537)] {
                let head = random.bytes(first)
                let tail = random.bytes(second)
                let combined = crc.combine(crc.checksum(head), crc.checksum(tail), secondByteCount: UInt64(second))
                #expect(combined == crc.checksum(head + tail), "seed \(seed), \(first) and \(second) bytes")
            }
        }
    }

    /// Lengths beyond memory: shifting by n and then by m is shifting by n + m.
    @Test func combiningOverFiveTebibytesIsAssociative() {
        let length: UInt64 = 5 << 40
        for crc in Self.all {
            let a = crc.checksum([1, 2, 3])
            let b = crc.checksum([4])
            let c = crc.checksum([5])
            let left = crc.combine(crc.combine(a, b, secondByteCount: length), c, secondByteCount: length)
            let right = crc.combine(a, crc.combine(b, c, secondByteCount: length), secondByteCount: 2 * length)
            #expect(left == right)
        }
    }

    @Test func valuesAreWrittenMostSignificantByteFirst() {
        #expect(CRC.crc32.bytes(of: 0xCBF4_3926) == [0xCB, 0xF4, 0x39, 0x26])
        #expect(CRC.crc64nvme.bytes(of: 0xAE8B_1486_0A79_9888) == [0xAE, 0x8B, 0x14, 0x86, 0x0A, 0x79, 0x98, 0x88])
        for crc in Self.all {
            let value = crc.checksum([7])
            #expect(crc.value(of: crc.bytes(of: value)) == value)
            #expect(crc.value(of: []) == nil)
        }
    }
}
