import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import HTTPKernel

@Suite(.timeLimit(.minutes(3))) struct FastPathParserTests {
    private func parse(_ text: String) -> FastPathParser.Outcome {
        Array(text.utf8).withUnsafeBytes { FastPathParser.parse($0, fieldLimitCount: 100) }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "PUT /b/k%20?x=%2F&y HTTP/1.1\r\nhost:h\r\nContent-Length: 0\r\n\r\n",
        "DELETE /~!$&'()*+,;=:@\"<>\\^`{|} HTTP/1.1\r\nHost: h\r\n\r\n",
        "HEAD / HTTP/1.1\r\nHost: h\r\nConnection: Keep-Alive\r\n\r\n",
        "POST /invocations HTTP/1.1\r\nHost: h\r\nContent-Length: 123456789012345678\r\nA!#$%&'*+-.^_`|~9: \u{e9}\t.\r\n\r\n",
    ])
    func takesRequestsOfTheUsualShape(text: String) {
        guard case .complete(let head) = self.parse(text) else {
            Issue.record("not taken")
            return
        }
        #expect(head.headCount == text.utf8.count)
        // Whatever is cut off, it waits for the rest and never guesses.
        for count in 1..<text.utf8.count {
            guard case .incomplete = self.parse(String(decoding: text.utf8.prefix(count), as: UTF8.self)) else {
                // A cut within a character of two bytes makes another text.
                if text.utf8.contains(where: { $0 > 127 }) { continue }
                Issue.record("cut at \(count)")
                return
            }
        }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\n\r\n", "GET / HTTP/1.0\r\nHost: h\r\n\r\n",
        "get / HTTP/1.1\r\nHost: h\r\n\r\n", "PATCH / HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", "GET * HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /\u{e9} HTTP/1.1\r\nHost: h\r\n\r\n", "GET /#f HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nA: b\u{0}\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nA: b\rc\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nA : b\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\n: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nA\r\n\r\n", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1234567890123456789\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nEXPECT: 100-continue\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: close, x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\t\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\t\r\n\r\n",
    ])
    func leavesEverythingElseToTheCodec(text: String) {
        guard case .unusual = self.parse(text) else {
            Issue.record("taken: \(self.parse(text))")
            return
        }
    }

    // MARK: The same boundaries as the codec

    private struct SeenRequest: Equatable {
        var method: String
        var target: String
        var fields: [String]
        var body: [UInt8]
    }

    /// Random streams, most of them nearly right, cut at random: what the connection hands to its service is what the
    /// codec alone makes of the same bytes.
    @Test func seesTheSameRequestsAsTheCodec() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SplitMix(state: seed)
        var takenCount = 0
        for round in 0..<4_000 {
            let stream = Self.stream(&random)
            let (expected, fails) = try Self.codec(stream)
            let harness = try KernelHarness()
            var rest = ByteBuffer(bytes: stream)
            while rest.readableBytes > 0 {
                let count = Int.random(in: 1...rest.readableBytes, using: &random)
                try harness.receive(rest.readSlice(length: count)!)
            }
            let seen = harness.service.requests.map { request in
                SeenRequest(
                    method: request.head.method.rawValue, target: request.head.target,
                    fields: request.head.headers.map { "\($0.name)=\($0.value)" },
                    body: Array(request.body.readableBytesView))
            }
            // The connection may stop before the codec does (Host, close, upgrade), never read more or otherwise.
            let context = "seed \(seed) round \(round): \(String(decoding: stream, as: UTF8.self).debugDescription)"
            #expect(seen.elementsEqual(expected.prefix(seen.count)), "\(context)")
            #expect(seen.count <= expected.count, "\(context)")
            if seen.count < expected.count || fails {
                // The fast path may wait for the end of a line before it gives it to the codec.
                try harness.receive("\n")
                let stopped = !harness.service.errors.isEmpty || !harness.isOpen
                #expect(stopped, "\(context)")
            }
            takenCount += seen.count
        }
        #expect(takenCount > 2_000, "seed \(seed): the streams are too hostile to compare anything")
    }

    /// What NIO's codec makes of a stream, up to its first error.
    private static func codec(_ stream: [UInt8]) throws -> ([SeenRequest], fails: Bool) {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        var fails = false
        do { try channel.writeInbound(ByteBuffer(bytes: stream)) } catch { fails = true }
        var seen: [SeenRequest] = []
        var current: SeenRequest?
        while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .head(let head):
                current = SeenRequest(
                    method: head.method.rawValue, target: RequestHead(head).target,
                    fields: RequestHead(head).headers.map { "\($0.name)=\($0.value)" }, body: [])
            case .body(let bytes): current?.body += Array(bytes.readableBytesView)
            case .end:
                if let whole = current { seen.append(whole) }
                current = nil
            }
        }
        // A stream that ends within a body is no failure: the connection waits for the rest.
        do { _ = try channel.finish(acceptAlreadyClosed: true) } catch is HTTPParserError {}
        return (seen, fails)
    }

    private static func stream(_ random: inout SplitMix) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) { bytes += Self.request(&random) }
        // Hostile: a few bytes changed, dropped or doubled.
        if Int.random(in: 0..<2, using: &random) == 0 {
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[index] = [0, 9, 10, 13, 32, 58, 127, 200, 35, 44].randomElement(using: &random)!
                case 1: bytes.remove(at: index)
                case 2: bytes.insert(bytes[index], at: index)
                default: bytes[index] = UInt8.random(in: 0...255, using: &random)
                }
                if bytes.isEmpty { return [0] }
            }
        }
        return bytes
    }

    private static func request(_ random: inout SplitMix) -> [UInt8] {
        let method = ["GET", "PUT", "POST", "HEAD", "DELETE", "OPTIONS", "get"].randomElement(using: &random)!
        let target = ["/", "/a/b%20?x=1", "/invocations", "*", "http://h/x", "/\"<>"].randomElement(using: &random)!
        let version = Int.random(in: 0..<12, using: &random) == 0 ? "HTTP/1.0" : "HTTP/1.1"
        let end = Int.random(in: 0..<20, using: &random) == 0 ? "\n" : "\r\n"
        var text = "\(method) \(target) \(version)\(end)"
        if Int.random(in: 0..<15, using: &random) > 0 { text += "Host: h\(end)" }
        let fields = [
            "Accept: */*", "X-A:b", "x-b: \t c \t", "Connection: keep-alive", "Connection: close", "Upgrade: h2c",
            "TE: trailers",
            "Expect: 100-continue", "Host: again", " folded: x", "Empty:", "Keep-Alive: 5", "Content-Type: text/csv",
        ]
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            let index = Int.random(in: 0..<24, using: &random)
            text += (index < fields.count ? fields[index] : "Accept: text/csv") + end
        }
        let body = (0..<Int.random(in: 0...30, using: &random)).map { _ in UInt8.random(in: 32...126, using: &random) }
        var bytes = Array(text.utf8)
        switch Int.random(in: 0..<8, using: &random) {
        case 0...3: bytes += Array("Content-Length: \(body.count)\(end)\(end)".utf8) + body
        case 4:
            bytes += Array("Transfer-Encoding: chunked\(end)\(end)".utf8)
            if !body.isEmpty { bytes += Array("\(String(body.count, radix: 16))\r\n".utf8) + body + Array("\r\n".utf8) }
            bytes += Array("0\r\n\r\n".utf8)
        case 5: bytes += Array("Content-Length: \(body.count)\(end)Content-Length: 1\(end)\(end)".utf8) + body
        default: bytes += Array(end.utf8)
        }
        return bytes
    }
}

/// A small generator with a seed that can be printed. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators", 2014.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
