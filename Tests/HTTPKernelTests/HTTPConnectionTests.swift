import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOTLS
import Testing

@testable import HTTPKernel

@Suite(.timeLimit(.minutes(3))) struct HTTPConnectionTests {
    private let post = "POST /score HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n1,2,3"

    @Test func answersOneRequestWithDateLengthAndBody() throws {
        let harness = try KernelHarness()
        try harness.receive(self.post)
        #expect(
            try harness.sent()
                == "HTTP/1.1 200 OK\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-length: 17\r\n\r\nPOST /score 1,2,3"
        )
        #expect(harness.isOpen)
    }

    /// A service that counts what it has taken on must be able to give it back.
    @Test(arguments: ["Content-Length: 5\r\n\r\n1,2", "Transfer-Encoding: chunked\r\n\r\n5\r\n1,2"])
    func whatIsChargedForABodyIsHandedOnOrGivenBackOnce(body: String) throws {
        let begun = "POST /a HTTP/1.1\r\nHost: h\r\n" + body
        do {
            let harness = try KernelHarness()
            try harness.receive(self.post + begun)
            _ = try harness.sent()
            #expect(harness.service.requests.map(\.chargedBytes) == [5])
            #expect(harness.service.givenBack == [])
            harness.channel.close(promise: nil)
            harness.channel.embeddedEventLoop.run()
            #expect(harness.service.givenBack == [3] && harness.service.requests.count == 1)
        }
        do {
            let harness = try KernelHarness()
            try harness.receive(begun)
            harness.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            #expect(try harness.sent().contains("400 Bad Request"))
            #expect(harness.service.givenBack == [3])
            harness.channel.close(promise: nil)
            harness.channel.embeddedEventLoop.run()
            #expect(harness.service.givenBack == [3])
        }
        do {
            let harness = try KernelHarness()
            harness.service.routing = { _ in .gather(limitBytes: 4) }
            let head = "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
            try harness.receive(head + "3\r\n1,2\r\n3\r\n1,2\r\n")
            #expect(try harness.sent().contains("413"))
            #expect(harness.service.givenBack == [3])
        }
    }

    /// A head takes nothing: only what has come is charged, as it comes.
    @Test(arguments: [false, true])
    func aBodyIsChargedAsItComesAndRefusedWhenThereIsNoRoom(isChunked: Bool) throws {
        let harness = try KernelHarness()
        var steps: [[Int]] = []
        harness.service.charging = { received, charged in
            steps.append([received, charged])
            return received <= 8 ? received : nil
        }
        let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: 1000"
        func piece(_ text: String) -> String { isChunked ? "\(text.utf8.count)\r\n\(text)\r\n" : text }
        try harness.receive("POST /a HTTP/1.1\r\nHost: h\r\n\(framing)\r\n\r\n")
        try harness.receive(piece("1234"))
        try harness.receive(piece("5678"))
        #expect(try harness.sent() == "")
        try harness.receive(piece("9"))
        #expect(steps.filter { $0[0] > $0[1] } == [[4, 0], [8, 4], [9, 8]])
        let answer = try harness.sent()
        #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("\r\nconnection: close\r\n"))
        #expect(harness.service.givenBack == [8] && harness.service.requests.isEmpty)
    }

    /// On a NIO loop too a request's time begins with the round that reported it, and not with its turn.
    @Test func requestsOfOneRoundHaveArrivedAtOnce() throws {
        let harness = try KernelHarness()
        try harness.receive(self.post)
        try harness.receive(self.post)
        _ = try harness.sent()
        try harness.receive(self.post)
        let arrived = harness.service.requests.map(\.arrivedNanoseconds)
        #expect(arrived[0] == arrived[1] && arrived[1] < arrived[2])
        #expect(arrived[2] <= NIODeadline.now().uptimeNanoseconds)
    }

    @Test func answersPipelinedRequestsInOneWrite() throws {
        let harness = try KernelHarness()
        try harness.receive(String(repeating: self.post, count: 3) + "GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
        let data = try #require(try harness.channel.readOutbound(as: IOData.self))
        guard case .byteBuffer(let buffer) = data else {
            Issue.record("not bytes")
            return
        }
        #expect(
            bodies(String(buffer: buffer)) == [
                "POST /score 1,2,3", "POST /score 1,2,3", "POST /score 1,2,3", "GET /x ",
            ])
        #expect(try harness.channel.readOutbound(as: IOData.self) == nil)
    }

    /// Requests of both parsers, cut anywhere, get the same answers.
    @Test(arguments: [1, 2, 3, 7, 64])
    func cutsBetweenPacketsChangeNothing(size: Int) throws {
        let harness = try KernelHarness()
        let stream =
            self.post + "GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n"
            + "PUT /chunks HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
            + self.post
        var answers = ""
        var rest = ByteBuffer(string: stream)
        while rest.readableBytes > 0 {
            let count = min(size, rest.readableBytes)
            try harness.receive(ByteBuffer(bytes: rest.readSlice(length: count)!.readableBytesView))
            answers += try harness.sent()
        }
        #expect(bodies(answers) == ["POST /score 1,2,3", "GET /a?b=c ", "PUT /chunks abcde", "POST /score 1,2,3"])
    }

    @Test func blanksAroundTheLengthAreNoneOfIt() throws {
        for method in ["POST", "OPTIONS"] {
            let harness = try KernelHarness()
            try harness.receive("\(method) / HTTP/1.1\r\nHost: h\r\nContent-Length: \t2 \r\n\r\nab")
            #expect(bodies(try harness.sent()) == ["\(method) / ab"])
        }
    }

    @Test(arguments: [false, true])
    func lateRepliesKeepTheOrder(throughCodec: Bool) throws {
        let harness = try KernelHarness()
        var handles: [(String, ReplyHandle)] = []
        harness.service.answering = { request in
            guard request.head.target == "/slow" else {
                return .now(Response(ResponseHead(.ok), body: ByteBuffer(string: "fast")))
            }
            return .later { handles.append((request.head.target, $0)) }
        }
        let first = "GET /slow HTTP/1.1\r\nHost: h\r\n" + (throughCodec ? "TE: trailers\r\n" : "") + "\r\n"
        try harness.receive(first + "GET /fast HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try harness.sent() == "")
        #expect(harness.service.requests.count == 1)
        try #require(handles.count == 1)
        handles[0].1.complete(Response(ResponseHead(.ok), body: ByteBuffer(string: "slow")))
        handles[0].1.complete(Response(ResponseHead(.ok), body: ByteBuffer(string: "twice")))
        #expect(bodies(try harness.sent()) == ["slow", "fast"])
    }

    /// What a client has asked for in full is answered, also when it stops sending before its turn comes.
    ///
    /// - Parameter unusual: the request that only the codec reads, and all that follow it.
    @Test(
        arguments: [nil, 0, 1, 2, 3],
        ["", "GET /half HTTP/1.1\r\nHo", "POST /half HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf"])
    func requestsBehindALateReplyOutliveTheClientsLastByte(unusual: Int?, rest: String) throws {
        let harness = try KernelHarness()
        var handles: [ReplyHandle] = []
        harness.service.answering = { request in
            guard request.head.target == "/slow" else {
                return .now(Response(ResponseHead(.ok), body: ByteBuffer(string: request.head.target)))
            }
            return .later { handles.append($0) }
        }
        let requests = ["/slow", "/fast", "/slow", "/fast"].enumerated().map { index, target in
            "GET \(target) HTTP/1.1\r\nHost: h\r\n" + (index == unusual ? "TE: trailers\r\n" : "") + "\r\n"
        }
        try harness.receive(requests.joined() + rest)
        harness.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(try harness.sent() == "" && harness.isOpen)
        try #require(handles.count == 1)
        handles[0].complete(Response(ResponseHead(.ok), body: ByteBuffer(string: "slow")))
        #expect(bodies(try harness.sent()) == ["slow", "/fast"])
        try #require(handles.count == 2)
        handles[1].complete(Response(ResponseHead(.ok), body: ByteBuffer(string: "slow")))
        let last = bodies(try harness.sent())
        #expect(last.prefix(2) == ["slow", "/fast"])
        // A part of a request gets a refusal at most.
        #expect(last.count == 2 || (last.count == 3 && !rest.isEmpty))
        #expect(!harness.isOpen)
    }

    @Test func aHandleLetGoAnswers500() throws {
        let harness = try KernelHarness()
        harness.service.answering = { _ in .later { _ in } }
        try harness.receive(self.post)
        #expect(try harness.sent().hasPrefix("HTTP/1.1 500 "))
    }

    @Test func headAnd204And304SendNoBody() throws {
        let harness = try KernelHarness()
        harness.service.answering = { request in
            switch request.head.target {
            case "/204": .now(Response(ResponseHead(.noContent), body: ByteBuffer(string: "never")))
            case "/304": .now(Response(ResponseHead(.notModified), declaredLength: 7))
            case "/declared": .now(Response(ResponseHead(.ok), declaredLength: 1 << 40))
            default: .now(Response(ResponseHead(.ok), body: ByteBuffer(string: "body")))
            }
        }
        let date = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        try harness.receive("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try harness.sent() == "HTTP/1.1 200 OK\r\n\(date)content-length: 4\r\n\r\n")
        try harness.receive("HEAD /declared HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try harness.sent() == "HTTP/1.1 200 OK\r\n\(date)content-length: 1099511627776\r\n\r\n")
        try harness.receive("GET /204 HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try harness.sent() == "HTTP/1.1 204 No Content\r\n\(date)\r\n")
        try harness.receive("GET /304 HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try harness.sent() == "HTTP/1.1 304 Not Modified\r\n\(date)content-length: 7\r\n\r\n")
    }

    @Test func connectionCloseIsHonouredOnBothParsers() throws {
        for head in [
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: close\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
        ] {
            let harness = try KernelHarness()
            try harness.receive(head)
            #expect(try harness.sent().contains("\r\nconnection: close\r\n"))
            #expect(!harness.isOpen)
        }
    }

    @Test func version10KeepsTheConnectionWhenAsked() throws {
        let harness = try KernelHarness()
        try harness.receive("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        #expect(try harness.sent().contains("\r\nconnection: keep-alive\r\n"))
        #expect(harness.isOpen)
    }

    /// Each is refused with its status, once, and the connection ends.
    @Test(arguments: [
        ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("\u{0}\u{1}\u{2}\r\n\r\n", 400), ("GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505),
        ("CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: h\r\n folded: x\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n", 413),
    ])
    func refusesMalformedRequests(bytes: String, status: Int) throws {
        let harness = try KernelHarness()
        try harness.receive(bytes + "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
        let answer = try harness.sent()
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
        #expect(answer.contains("\r\nconnection: close\r\n"))
        #expect(bodies(answer).count == 1)
        #expect(harness.service.requests.isEmpty)
    }

    /// What came before the garbage is answered; what comes after is not read.
    @Test func garbageAffectsNoEarlierRequest() throws {
        let harness = try KernelHarness()
        try harness.receive(self.post + "\u{7}garbage\r\n\r\n" + self.post)
        let answer = try harness.sent()
        #expect(bodies(answer).count == 2)
        #expect(bodies(answer).first == "POST /score 1,2,3")
        #expect(harness.service.requests.count == 1)
        #expect(harness.service.errors.count == 1)
    }

    @Test func refusesHeadsThatAreTooLarge() throws {
        var limits = HTTPLimits()
        limits.headBytes = 1024
        let byBytes = try KernelHarness(limits: limits)
        try byBytes.receive("GET / HTTP/1.1\r\nHost: h\r\nlong: \(String(repeating: "v", count: 2000))")
        #expect(try byBytes.sent().hasPrefix("HTTP/1.1 431 "))
        limits.headBytes = 1 << 20
        limits.fieldCount = 10
        let byCount = try KernelHarness(limits: limits)
        try byCount.receive("GET / HTTP/1.1\r\nHost: h\r\n\(String(repeating: "x: y\r\n", count: 20))\r\n")
        #expect(try byCount.sent().hasPrefix("HTTP/1.1 431 "))
    }

    @Test func continueIsSentBeforeAGatheredBody() throws {
        let harness = try KernelHarness()
        try harness.receive("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        #expect(try harness.sent() == "HTTP/1.1 100 Continue\r\n\r\n")
        try harness.receive("ab")
        #expect(bodies(try harness.sent()) == ["PUT / ab"])
    }

    @Test func anAnswerWithoutTheExpectedBodyEndsTheConnection() throws {
        let harness = try KernelHarness()
        harness.service.routing = { _ in .respond(Response(ResponseHead(.forbidden))) }
        try harness.receive("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        let answer = try harness.sent()
        #expect(answer.hasPrefix("HTTP/1.1 403 "))
        #expect(answer.contains("\r\nconnection: close\r\n"))
    }

    @Test func anUnreadBodyIsDroppedAndTheNextRequestAnswered() throws {
        let harness = try KernelHarness()
        harness.service.routing = { head in
            head.target == "/no" ? .respond(Response(ResponseHead(.notFound))) : .gather(limitBytes: 100)
        }
        try harness.receive("POST /no HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n01234")
        #expect(try harness.sent().hasPrefix("HTTP/1.1 404 "))
        try harness.receive("56789GET /yes HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(bodies(try harness.sent()) == ["GET /yes "])
    }

    @Test func chunkedBodiesBeyondTheLimitAreRefused() throws {
        let harness = try KernelHarness()
        harness.service.routing = { _ in .gather(limitBytes: 4) }
        try harness.receive("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        #expect(try harness.sent() == "")
        try harness.receive("3\r\ndef\r\n")
        #expect(try harness.sent().hasPrefix("HTTP/1.1 413 "))
    }

    // MARK: Time

    @Test func anIdleConnectionIsClosed() throws {
        let harness = try KernelHarness()
        try harness.receive(self.post)
        _ = try harness.sent()
        harness.channel.embeddedEventLoop.advanceTime(by: .seconds(70))
        #expect(harness.isOpen)
        harness.channel.embeddedEventLoop.advanceTime(by: .seconds(10))
        #expect(!harness.isOpen)
    }

    @Test(arguments: ["GET / HTTP/1.1\r\nHos", "OPTIONS / HTTP/1.1\r\nHos"])
    func aSlowHeadIsAnswered408(part: String) throws {
        let harness = try KernelHarness()
        try harness.receive(part)
        for _ in 0..<8 {
            harness.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
            try harness.receive("t")
        }
        #expect(try harness.sent() == "")
        harness.channel.embeddedEventLoop.advanceTime(by: .seconds(4))
        #expect(try harness.sent().hasPrefix("HTTP/1.1 408 "))
    }

    @Test(arguments: ["Content-Length: 10000", "Transfer-Encoding: chunked"])
    func aBodyThatDribblesIsAnswered408(framing: String) throws {
        let harness = try KernelHarness()
        try harness.receive("POST / HTTP/1.1\r\nHost: h\r\n\(framing)\r\n\r\n")
        for _ in 0..<40 {
            harness.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
            guard harness.service.errors.isEmpty else { break }
            try harness.receive(framing.hasPrefix("T") ? "1\r\nx\r\n" : "x")
        }
        #expect(try harness.sent().hasPrefix("HTTP/1.1 408 "))
    }

    @Test func aSteadySlowBodyIsNotCut() throws {
        let harness = try KernelHarness()
        try harness.receive("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n")
        for _ in 0..<100 {
            harness.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
            try harness.receive(String(repeating: "x", count: 600))
        }
        #expect(try harness.sent().hasPrefix("HTTP/1.1 200 "))
    }

    // MARK: Stopping

    @Test func drainingClosesIdleConnectionsAndEndsBusyOnesWithTheirAnswer() throws {
        let idle = try KernelHarness()
        idle.shared.beginDraining()
        #expect(!idle.isOpen)

        let busy = try KernelHarness()
        try busy.receive("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\na")
        busy.shared.beginDraining()
        #expect(busy.isOpen)
        try busy.receive("b")
        let answer = try busy.sent()
        #expect(answer.hasPrefix("HTTP/1.1 200 "))
        #expect(answer.contains("\r\nconnection: close\r\n"))
        #expect(!busy.isOpen)
    }

    @Test func retiringEndsEachConnectionWithItsNextAnswerAndLeavesTheIdleAlone() throws {
        let harness = try KernelHarness()
        harness.shared.beginRetiring()
        #expect(harness.isOpen)
        try harness.receive(self.post)
        #expect(try harness.sent().contains("\r\nconnection: close\r\n"))
        #expect(!harness.isOpen)
    }

    // MARK: Heads

    @Test(arguments: [
        ("http://models.example:81/ping?x=1", "/ping?x=1", "models.example:81"), ("HTTPS://h", "/", "h"),
        ("http://h?x", "/?x", "h"), ("/http://h/", "/http://h/", "host"),
    ])
    func aTargetThatNamesItsHostIsTheTargetAtThatHost(sent: String, target: String, host: String) throws {
        let harness = try KernelHarness()
        try harness.receive("GET \(sent) HTTP/1.1\r\nHost: host\r\n\r\n")
        let head = try #require(harness.service.requests.first?.head)
        #expect(head.target == target && head.first("host") == host && head.headers["host"] == [host])
        if target == "/ping?x=1" { #expect(head.hasPath("/ping")) }
        #expect(try harness.sent().hasPrefix("HTTP/1.1 200 ") && harness.isOpen)
    }

    @Test(arguments: ["http:///path", "http://user@h/"])
    func aTargetWithoutAHostOrWithAUserIsRefused(target: String) throws {
        let harness = try KernelHarness()
        try harness.receive("GET \(target) HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(try harness.sent().hasPrefix("HTTP/1.1 400 "))
        #expect(harness.service.requests.isEmpty)
    }

    /// A body in a coding that is not taken off must not be read as if there were none.
    @Test(arguments: ["gzip, chunked", "gzip,chunked"])
    func transferCodingsBesideChunkedAreNotImplemented(codings: String) throws {
        let harness = try KernelHarness()
        try harness.receive("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \(codings)\r\n\r\n1\r\nx\r\n0\r\n\r\n")
        let answer = try harness.sent()
        #expect(answer.hasPrefix("HTTP/1.1 501 ") && answer.contains("\r\nconnection: close\r\n"))
        #expect(harness.service.requests.isEmpty)
    }

    @Test func aHandshakeHasAsLongAsAHead() throws {
        let silent = try KernelHarness(isTLS: true)
        silent.channel.embeddedEventLoop.advanceTime(by: .seconds(9))
        #expect(silent.isOpen)
        silent.channel.embeddedEventLoop.advanceTime(by: .seconds(3))
        #expect(try silent.sent() == "" && !silent.isOpen)

        let agreed = try KernelHarness(isTLS: true)
        agreed.channel.pipeline.fireUserInboundEventTriggered(TLSUserEvent.handshakeCompleted(negotiatedProtocol: nil))
        agreed.channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(agreed.isOpen)
        agreed.channel.embeddedEventLoop.advanceTime(by: .seconds(20))
        #expect(!agreed.isOpen)
    }

    @Test func aHeadIsTheSameToTheServiceFromBothParsers() throws {
        let fields = "Host: h\r\nX-Name:  spaced value\t \r\nx-name: second\r\nEmpty:\r\n"
        var seen: [RequestHead] = []
        for last in ["\r\n", "Trailer: x\r\n\r\n"] {
            let harness = try KernelHarness()
            harness.service.routing = { head in
                seen.append(head)
                return .respond(Response(ResponseHead(.ok)))
            }
            try harness.receive("GET /p/%20a?q=1&r HTTP/1.1\r\n" + fields + last)
        }
        try #require(seen.count == 2)
        for head in seen {
            #expect(head.target == "/p/%20a?q=1&r")
            #expect(head.hasPath("/p/%20a"))
            #expect(!head.hasPath("/p/%20"))
            #expect(head.first("X-NAME") == "spaced value")
            #expect(head.first("missing") == nil)
            #expect(
                head.headers.prefix(4).map { "\($0.name)=\($0.value)" } == [
                    "Host=h", "X-Name=spaced value", "x-name=second", "Empty=",
                ])
        }
    }

    @Test func fieldValuesNeverEndTheirLine() {
        var head = ResponseHead(.ok)
        head.add("x", "a\r\nset-cookie: b\u{0}c")
        #expect(String(decoding: head.bytes, as: UTF8.self) == "HTTP/1.1 200 OK\r\nx: a  set-cookie: b c\r\n")
    }

    /// Broken chunks behind an answer of the same burst must not take that answer with them.
    @Test func answersOfABurstLeaveBeforeABrokenBodyEndsTheConnection() throws {
        let harness = try KernelHarness()
        harness.service.routing = { head in
            head.hasPath("/now")
                ? .respond(Response(ResponseHead(.ok), body: ByteBuffer(string: "now"))) : .gather(limitBytes: 100)
        }
        try harness.receive(
            "GET /a HTTP/1.1\r\nHost: h\r\n\r\nPOST /now HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc"
        )
        #expect(bodies(try harness.sent()) == ["GET /a ", "now"])
    }
}
