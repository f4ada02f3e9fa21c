import Glibc
import NIOCore
import NIOHTTP1
import PropertyTesting
import Testing

@testable import HTTPKernel

/// What a client sees is the same whether a direct loop serves it or not.
@Suite(.serialized, .timeLimit(.minutes(Fuzz.limitMinutes))) struct DirectServerTests {
    private static let usual: [String] = [
        "GET /now HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a?b=1 HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n",
        "POST /invocations HTTP/1.1\r\nHost: h\r\nContent-Type: text/csv\r\nContent-Length: 5\r\n\r\n1,2,3",
        "DELETE /empty HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET /close HTTP/1.1\r\nHost: h\r\n\r\n",
    ]
    private static let unusual: [String] = [
        "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a HTTP/1.0\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
        "PUT /now HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", "no request at all\r\n\r\n", "\u{0}\u{1}\u{2}",
        "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf",
        "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n\(String(repeating: "x", count: 100_000))",
        "GET /a HTTP/1.1\r\nHost: h\r\nX: \(String(repeating: "x", count: 40_000))\r\n\r\n",
        "GET /large HTTP/1.1\r\nHost: h\r\n\r\nGET /large HTTP/1.1\r\nHost: h\r\n\r\nGET /large HTTP/1.1\r\nHost: h\r\n\r\n",
    ]

    /// Everything that the server answers to the pieces, up to its close; the Date fields, which may differ, taken out.
    ///
    /// - Parameter areLarge: the answers are more than the socket takes. Whether the end of the requests is seen before an answer is
    ///   begun, and told in it, is then a matter of time.
    private static func answers(
        of server: HTTPServer, to pieces: [ArraySlice<UInt8>], areLarge: Bool = false
    ) throws -> String {
        let client = try SocketClient(server.addresses[0])
        for piece in pieces where !piece.isEmpty {
            let count = piece.withUnsafeBytes {
                Glibc.send(client.descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            // The server has closed, as it may after what came before.
            guard count == piece.count else { break }
        }
        client.endSending()
        let text = String(decoding: client.receiveAll(), as: UTF8.self)
        return text.split(separator: "\r\n", omittingEmptySubsequences: false)
            .filter { !$0.hasPrefix("date: ") && !(areLarge && $0 == "connection: close") }.joined(separator: "\r\n")
    }

    private static func cut(_ bytes: [UInt8], using random: inout SeededGenerator) -> [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            // Most often all at once, as nearly every client sends.
            let count = Bool.random(using: &random) ? rest.count : Int.random(in: 1...rest.count, using: &random)
            pieces.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        return pieces
    }

    @Test(arguments: Way.allCases) func answersAsTheChannelDoes(way: Way) async throws {
        try await withBothServers(way) { direct, plain in
            try await onThreadOfItsOwn {
                for request in Self.usual + Self.unusual {
                    let amid = [request, Self.usual[2] + request, Self.usual[0] + request + Self.usual[1]]
                    for text in way == .tcp ? amid : [amid[1]] {
                        let pieces = [Array(text.utf8)[...]]
                        let areLarge = text.contains("/large")
                        let expected = try Self.answers(of: plain, to: pieces, areLarge: areLarge)
                        let seen = try Self.answers(of: direct, to: pieces, areLarge: areLarge)
                        #expect(seen == expected, "\(text.prefix(200).debugDescription)")
                    }
                }
            }
        }
    }

    @Test(arguments: Way.allCases) func answersChangedStreamsAsTheChannelDoes(way: Way) async throws {
        // A Unix socket takes little that is not read: how much of a large answer comes before a close is a matter of time there.
        let corpus = (Self.usual + Self.unusual.filter { $0.utf8.count < 1000 })
            .filter { way == .tcp || !$0.contains("/large") }.map { Array($0.utf8) }
        let pairs = corpus.flatMap { first in corpus.map { first + $0 } }
        try await withBothServers(way) { direct, plain in
            let count = try await onThreadOfItsOwn {
                var random = SeededGenerator.printed("cuts")
                return try Fuzz.run("answersChangedStreamsAsTheChannelDoes \(way)", corpus: pairs) { stream in
                    let pieces = Self.cut(stream, using: &random)
                    let areLarge = String(decoding: stream, as: UTF8.self).contains("/large")
                    let expected = try Self.answers(of: plain, to: pieces, areLarge: areLarge)
                    let seen = try Self.answers(of: direct, to: pieces, areLarge: areLarge)
                    #expect(seen == expected, "\(String(decoding: stream, as: UTF8.self).debugDescription)")
                }
            }
            #expect(count >= pairs.count)
        }
    }

    /// Answers that come from other threads: what the client sees must not depend on when.
    @Test(arguments: Way.allCases) func slowAnswersComeInTheOrderOfTheirRequests(way: Way) async throws {
        try await withBothServers(way) { direct, plain in
            for server in [direct, plain] {
                let client = try SocketClient(server.addresses[0])
                let later = "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab"
                let streamed = "POST /stream HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
                let now = "GET /now HTTP/1.1\r\nHost: h\r\n\r\n"
                try client.send(now + later + now + later + later + streamed + now + later)
                // A client that says all that it has to say at once, and no more.
                client.endSending()
                let seen = (0..<8).map { _ in String(decoding: client.receiveAnswer().body, as: UTF8.self) }
                let repeated = "POST /later Host=h&Content-Length=2 ab"
                #expect(seen == ["now", repeated, "now", repeated, repeated, "abc", "now", repeated])
            }
        }
    }

    @Test func badConnectionsNeverTouchTheirNeighbours() async throws {
        try await withBothServers { direct, _ in
            let good = try SocketClient(direct.addresses[0])
            for text in Self.unusual {
                let bad = try SocketClient(direct.addresses[0])
                try bad.send(text)
                try good.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\ngood")
                let answer = good.receiveAnswer()
                #expect(answer.head.hasPrefix("HTTP/1.1 200 "))
                #expect(String(decoding: answer.body, as: UTF8.self).hasSuffix(" good"))
            }
        }
    }

    @Test(arguments: Way.allCases) func aClientThatReadsLateGetsEveryByteInOrder(way: Way) async throws {
        try await withBothServers(way) { direct, _ in
            let client = try SocketClient(direct.addresses[0], receiveBufferBytes: 16 * 1024)
            let count = 40
            try client.send(String(repeating: "GET /large HTTP/1.1\r\nHost: h\r\n\r\n", count: count))
            for _ in 0..<count {
                let answer = client.receiveAnswer()
                #expect(answer.head.hasPrefix("HTTP/1.1 200 "))
                #expect(answer.body.elementsEqual(patterned(300_000)))
            }
        }
    }

    @Test func tooManyConnectionsAreClosedAndCountedOnce() async throws {
        var limits = HTTPLimits()
        limits.connectionCount = 2
        try await withBothServers(limits: limits) { direct, _ in
            let first = try SocketClient(direct.addresses[0])
            let second = try SocketClient(direct.addresses[0])
            for client in [first, second] {
                try client.send("GET /now HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(client.receiveAnswer().head.hasPrefix("HTTP/1.1 200 "))
            }
            let third = try SocketClient(direct.addresses[0])
            #expect(third.receive(1).isEmpty)
            // A connection that was handed over goes on counting, and gives its place back when it ends.
            try second.send("HEAD /now HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            #expect(second.receiveHead().hasPrefix("HTTP/1.1 200 "))
            #expect(second.receive(1).isEmpty)
            while direct.connectionCount > 1 { await Task.yield() }
            let fourth = try SocketClient(direct.addresses[0])
            try fourth.send("GET /now HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(fourth.receiveAnswer().head.hasPrefix("HTTP/1.1 200 "))
        }
    }

    @Test(arguments: Way.allCases) func drainingAnswersWhatIsInWorkAndRefusesTheRest(way: Way) async throws {
        try await withBothServers(way) { direct, _ in
            let idle = try SocketClient(direct.addresses[0])
            try idle.send("GET /now HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = idle.receiveAnswer()
            #expect(await direct.drain(within: .seconds(10)) == 0)
            #expect(idle.receive(1).isEmpty)
            #expect(direct.connectionCount == 0)
            #expect(throws: SystemError.self) { try SocketClient(direct.addresses[0]) }
        }
    }
}
