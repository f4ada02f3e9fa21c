import Digests
import Names
import S3Types
import SigV4
import Testing

/// A client that frames and signs a body in chunks, so that single pieces of it can be damaged.
struct ChunkedUpload {
    var form: PayloadForm
    var verified: VerifiedSignature
    var chunks: [[UInt8]] = []
    var trailers: [(name: String, value: String)] = []

    init(_ form: PayloadForm, chunks: [[UInt8]], trailers: [(name: String, value: String)] = []) throws {
        self.form = form
        self.chunks = chunks
        self.trailers = trailers
        let fields = try Vectors.signer.sign(
            method: "PUT", target: "/b/k", fields: [("host", "h")], payload: form, atSeconds: Vectors.seconds)
        self.verified = try Vectors.verifier().verify(RequestFacts(method: "PUT", target: "/b/k", fields: fields))
    }

    var body: [UInt8] { chunks.flatMap { $0 } }
    var isSigned: Bool { form != .unsignedChunksWithTrailer }

    /// Each chunk as sent, the last one empty, and the trailer.
    func pieces() -> [[UInt8]] {
        guard let seed = verified.seed else { preconditionFailure("a signed request has a seed") }
        var previous = seed.signature
        var pieces: [[UInt8]] = []
        for chunk in chunks + [[]] {
            var header = String(chunk.count, radix: 16)
            if isSigned {
                previous = seed.key.signature(
                    of: seed.key.chunkStringToSign(
                        previousSignature: previous, sha256: Digest.sha256(chunk), at: seed.time))
                header += ";chunk-signature=" + previous
            }
            let isLastOfTrailerForm = chunk.isEmpty && form != .signedChunks
            pieces.append(Array((header + "\r\n").utf8) + chunk + (isLastOfTrailerForm ? [] : Array("\r\n".utf8)))
        }
        guard form != .signedChunks else { return pieces }
        var trailer = trailers.map { "\($0.name):\($0.value)\r\n" }.joined()
        if isSigned {
            let text = trailers.map { "\($0.name):\($0.value)\n" }.joined()
            let toSign = seed.key.trailerStringToSign(
                previousSignature: previous, sha256: Digest.sha256(Array(text.utf8)), at: seed.time)
            trailer += "x-amz-trailer-signature:\(seed.key.signature(of: toSign))\r\n"
        }
        return pieces + [Array((trailer + "\r\n").utf8)]
    }

    /// Decodes these bytes, given in pieces of `step` bytes.
    func decode(_ wire: [UInt8], declaredBytes: UInt64? = nil, step: Int = .max) throws(ChunkedBodyError) -> [UInt8] {
        var decoder = ChunkedBodyDecoder(
            continuing: verified, declaredBytes: declaredBytes ?? UInt64(body.count),
            announcedTrailers: Set(trailers.map { Name($0.name) }))
        var content: [UInt8] = []
        var offset = 0
        while offset < wire.count {
            let piece = Array(wire[offset..<min(wire.count, step == .max ? wire.count : offset + step)])
            for range in try decoder.decode(piece.span.bytes) { content += piece[range] }
            offset += piece.count
        }
        try decoder.finish()
        return content
    }
}

@Suite(.timeLimit(.minutes(3))) struct ChunkedBodyDecoderTests {
    private static let forms: [PayloadForm] = [.signedChunks, .signedChunksWithTrailer, .unsignedChunksWithTrailer]

    private func upload(_ form: PayloadForm) throws -> ChunkedUpload {
        let first = (0..<9000).map { UInt8(truncatingIfNeeded: $0) }
        let second = [UInt8](repeating: 13, count: 8192)
        let trailers = form == .signedChunks ? [] : [(name: "x-amz-checksum-crc32", value: "AAAAAA==")]
        return try ChunkedUpload(form, chunks: [first, second, [1, 2, 3]], trailers: trailers)
    }

    @Test(arguments: ["chunked", "trailer"])
    func acceptsThePublishedExamples(name: String) throws {
        let example: Vectors.Request = try Vectors.load(name)
        let verified = try Vectors.verifier().verify(
            RequestFacts(method: example.method, target: example.target, fields: example.signedFields))
        #expect(verified.seed?.signature == example.signature)
        var wire: [UInt8] = []
        for (size, signature) in zip(try #require(example.chunkSizes), try #require(example.chunkSignatures)) {
            wire += "\(String(size, radix: 16));chunk-signature=\(signature)\r\n".utf8
            wire += [UInt8](repeating: UInt8(ascii: "a"), count: size)
            if size > 0 || example.trailers == nil { wire += "\r\n".utf8 }
        }
        var announced: Set<Name> = []
        for trailer in example.trailers ?? [] {
            wire += "\(trailer[0]):\(trailer[1])\n\r\n".utf8
            announced.insert(Name(trailer[0]))
        }
        if let signature = example.trailerSignature { wire += "x-amz-trailer-signature:\(signature)\r\n\r\n".utf8 }
        var decoder = ChunkedBodyDecoder(continuing: verified, declaredBytes: 66_560, announcedTrailers: announced)
        let content = try decoder.decode(wire.span.bytes)
        try decoder.finish()
        #expect(content.map(\.count).reduce(0, +) == 66_560)
        #expect(decoder.trailers.map { Name($0.name) } == Array(announced))
    }

    @Test(arguments: forms)
    func givesTheBodyBackHoweverTheBytesArrive(form: PayloadForm) throws {
        let upload = try upload(form)
        let wire = upload.pieces().flatMap { $0 }
        for step in [1, 2, 7, 64, 8192, Int.max] {
            #expect(try upload.decode(wire, step: step) == upload.body, "in steps of \(step)")
        }
    }

    @Test(arguments: forms)
    func anEmptyBodyIsABody(form: PayloadForm) throws {
        let upload = try ChunkedUpload(form, chunks: [])
        #expect(try upload.decode(upload.pieces().flatMap { $0 }).isEmpty)
    }

    @Test(arguments: [PayloadForm.signedChunks, .signedChunksWithTrailer])
    func refusesChunksChangedMovedRepeatedOrLeftOut(form: PayloadForm) throws {
        let upload = try ChunkedUpload(
            form, chunks: [[UInt8](repeating: 1, count: 8192), [UInt8](repeating: 2, count: 8192)])
        let pieces = upload.pieces()
        _ = try upload.decode(pieces.flatMap { $0 })

        var changed = pieces
        changed[0][200] ^= 1
        #expect(throws: ChunkedBodyError.signatureMismatch) { try upload.decode(changed.flatMap { $0 }) }
        var moved = pieces
        moved.swapAt(0, 1)
        #expect(throws: ChunkedBodyError.signatureMismatch) { try upload.decode(moved.flatMap { $0 }) }
        var repeated = pieces
        repeated[1] = pieces[0]
        #expect(throws: ChunkedBodyError.signatureMismatch) { try upload.decode(repeated.flatMap { $0 }) }
        var shortened = pieces
        shortened.remove(at: 1)
        #expect(throws: ChunkedBodyError.signatureMismatch) {
            try upload.decode(shortened.flatMap { $0 }, declaredBytes: 8192)
        }
    }

    @Test(arguments: forms)
    func refusesABodyCutAnywhere(form: PayloadForm) throws {
        let upload = try upload(form)
        let wire = upload.pieces().flatMap { $0 }
        for cut in [0, 1, 50, 500, 9100, 17_000, wire.count - 40] {
            #expect(throws: ChunkedBodyError.self, "cut at \(cut)") { try upload.decode(Array(wire[..<cut])) }
        }
    }

    @Test(arguments: forms)
    func refusesAnotherLengthThanDeclared(form: PayloadForm) throws {
        let upload = try upload(form)
        let wire = upload.pieces().flatMap { $0 }
        let length = UInt64(upload.body.count)
        for declared in [0, length - 1, length + 1, UInt64.max] {
            do {
                _ = try upload.decode(wire, declaredBytes: declared)
                Issue.record("accepted \(declared)")
            } catch ChunkedBodyError.wrongLength(let said, _) {
                #expect(said == declared)
            } catch {
                Issue.record("\(error)")
            }
        }
    }

    @Test func refusesATrailerThatIsNotTheOneSigned() throws {
        let upload = try upload(.signedChunksWithTrailer)
        var pieces = upload.pieces()
        let last = pieces.count - 1
        pieces[last] = Array(String(decoding: pieces[last], as: UTF8.self).replacing("AAAAAA==", with: "AAAAAQ==").utf8)
        #expect(throws: ChunkedBodyError.signatureMismatch) { try upload.decode(pieces.flatMap { $0 }) }

        pieces[last] = Array("x-amz-checksum-crc32:AAAAAA==\r\n\r\n".utf8)
        #expect(throws: ChunkedBodyError.self) { try upload.decode(pieces.flatMap { $0 }) }
    }

    @Test func refusesATrailerThatWasNotAnnounced() throws {
        let upload = try upload(.unsignedChunksWithTrailer)
        var pieces = upload.pieces()
        for trailer in [
            "", "x-amz-checksum-sha1:AA==\r\n", "x-amz-checksum-crc32:AA==\r\nx-amz-checksum-crc32:AA==\r\n",
            "nonsense\r\n",
        ] {
            pieces[pieces.count - 1] = Array((trailer + "\r\n").utf8)
            #expect(throws: ChunkedBodyError.malformedTrailer, "\(trailer)") {
                try upload.decode(pieces.flatMap { $0 })
            }
        }
    }

    @Test func refusesSmallSignedChunksButTheLast() throws {
        let upload = try ChunkedUpload(.signedChunks, chunks: [[1], [2]])
        #expect(throws: ChunkedBodyError.chunkTooSmall(sizeBytes: 1)) {
            try upload.decode(upload.pieces().flatMap { $0 })
        }
    }

    @Test(arguments: [
        "\r\n", "x\r\n", "-1\r\n", "+1\r\n", "11111111111111111\r\n", "3\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n",
        "3\r\nabc0\r\n\r\n",
        "3\r\nabc\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\ntail",
    ])
    func refusesMalformedFraming(wire: String) throws {
        let upload = try ChunkedUpload(
            .unsignedChunksWithTrailer, chunks: [[1, 2, 3]], trailers: [("x-amz-checksum-crc32", "AAAAAA==")])
        do {
            _ = try upload.decode(Array(wire.utf8))
            Issue.record("accepted")
        } catch ChunkedBodyError.malformed {
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test func boundsTheLinesThatItKeeps() throws {
        let upload = try upload(.unsignedChunksWithTrailer)
        let endless = [UInt8](repeating: UInt8(ascii: "0"), count: 1 << 20)
        #expect(throws: ChunkedBodyError.malformed(reason: "a line of the framing is too long")) {
            try upload.decode(endless, step: 100)
        }
        var pieces = upload.pieces()
        pieces[pieces.count - 1] = Array(String(repeating: "a:b\r\n", count: 2000).utf8)
        #expect(throws: ChunkedBodyError.malformed(reason: "the trailer is too long")) {
            try upload.decode(pieces.flatMap { $0 })
        }
    }

    /// Any bytes are an error or a body, never a trap.
    @Test func survivesRandomDamage() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var state = seed
        func next() -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33)
        }
        for form in Self.forms {
            let upload = try upload(form)
            let whole = upload.pieces().flatMap { $0 }
            for _ in 0..<200 {
                var wire = whole
                for _ in 0...(next() % 3) { wire[next() % 200] = UInt8(truncatingIfNeeded: next()) }
                if let content = try? upload.decode(wire, step: 1 + next() % 5000), upload.isSigned {
                    #expect(content == upload.body, "seed \(seed): a damaged signed body was accepted as another")
                }
            }
        }
    }
}
