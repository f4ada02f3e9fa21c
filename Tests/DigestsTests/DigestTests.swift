import Digests
import Testing

@Suite(.timeLimit(.minutes(3))) struct DigestTests {
    private func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Source: RFC 1321 A.5, FIPS 180-2 appendix A and B.
    @Test func answersThePublishedDigests() {
        let abc = Array("abc".utf8)
        #expect(hexadecimal(Digest.md5([])) == "d41d8cd98f00b204e9800998ecf8427e")
        #expect(hexadecimal(Digest.md5(abc)) == "900150983cd24fb0d6963f7d28e17f72")
        #expect(hexadecimal(Digest.sha1(abc)) == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(hexadecimal(Digest.sha256([])) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(hexadecimal(Digest.sha256(abc)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    /// Source: RFC 4231, test cases 1, 2, 6 (a key longer than a block).
    @Test(arguments: [
        (
            [UInt8](repeating: 0x0B, count: 20), "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            Array("Jefe".utf8), "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            [UInt8](repeating: 0xAA, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
    ])
    func authenticatesThePublishedMessages(key: [UInt8], message: String, expected: String) {
        let key = HMACKey(key)
        #expect(hexadecimal(key.authenticate(message)) == expected)
        #expect(hexadecimal(key.authenticate(message)) == expected, "a key is not spent by use")
    }

    /// Source: RFC 2202, test cases 2 and 6.
    @Test func authenticatesBySHA1AsPublished() {
        #expect(
            hexadecimal(HMACKey(Array("Jefe".utf8), function: .sha1).authenticate("what do ya want for nothing?"))
                == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")
        let long = HMACKey([UInt8](repeating: 0xAA, count: 80), function: .sha1)
        #expect(
            hexadecimal(long.authenticate("Test Using Larger Than Block-Size Key - Hash Key First"))
                == "aa4ae5e15272d00e95705637ce8a3b55ed402112")
    }

    @Test func comparesWholeDigests() {
        #expect(Digest.isEqual([], []))
        #expect(Digest.isEqual([1, 2], [1, 2]))
        #expect(!Digest.isEqual([1, 2], [1, 3]))
        #expect(!Digest.isEqual([1, 2], [1]))
    }
}

@Suite(.timeLimit(.minutes(3))) struct DigestSetTests {
    @Test func onePassInPiecesEqualsEachDigestAlone() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededBytes(seed: seed)
        let body = random.bytes(100_000)
        let set = DigestSet(DigestAlgorithm.allCases)
        var offset = 0
        while offset < body.count {
            let end = min(body.count, offset + Int(random.next() % 40_000))
            set.update(body.span.bytes.extracting(offset..<end))
            offset = end
        }
        #expect(set.byteCount == 100_000)
        let values = set.finalize()
        #expect(values.count == DigestAlgorithm.allCases.count)
        for algorithm in DigestAlgorithm.allCases {
            #expect(values[algorithm] == Digest.value(algorithm, of: body.span.bytes), "seed \(seed), \(algorithm)")
            #expect(values[algorithm]?.count == algorithm.byteCount)
        }
    }

    @Test func computesOnlyWhatWasChosen() {
        let set = DigestSet([.sha1, .crc32])
        set.update(Array("abc".utf8))
        #expect(Set(set.finalize().keys) == [.sha1, .crc32])
        #expect(DigestSet([]).finalize().isEmpty)
    }
}
