import Glibc
import LoadGenerator
import Testing

@Suite(.timeLimit(.minutes(3))) struct LoadRunTests {
    private func plan(_ target: LoadPlan.Target, body: [UInt8]? = [], headers: [HeaderField] = []) -> LoadPlan {
        let request = LoadPlan.request(
            method: body == nil ? "GET" : "POST", path: "/v2/models/m/infer", host: "h:1", headers: headers, body: body)
        return LoadPlan(
            target: target, request: request, ratePerSecond: 100, connectionCount: 1, duration: .milliseconds(200),
            warmUp: .zero)
    }

    @Test func aServerThatIsNotThereIsASentence() {
        let missing = #expect(throws: LoadError.self) { try LoadRun.run(plan(.socket(path: "/nonexistent/socket"))) }
        #expect(missing == .connect(address: "/nonexistent/socket", errno: ENOENT))
        #expect(missing?.description == "no socket at /nonexistent/socket")
        let gone = AnsweringServer(answer: "")
        gone.stop()
        let refused = #expect(throws: LoadError.self) {
            try LoadRun.run(plan(.tcp(host: "127.0.0.1", port: gone.port)))
        }
        #expect(refused?.description == "connection refused by 127.0.0.1:\(gone.port)")
        let unnamed = #expect(throws: LoadError.self) {
            try LoadRun.run(plan(.tcp(host: "no name has blanks", port: 1)))
        }
        #expect(unnamed?.description.hasPrefix("no name has blanks has no address: ") == true)
        #expect(throws: LoadError.badAddress("")) { try LoadRun.run(plan(.socket(path: ""))) }
    }

    @Test(arguments: ["localhost", "127.0.0.1"])
    func aHostMayBeAName(host: String) throws {
        let server = AnsweringServer(
            answer: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nx-lodestore-model-version: abc\r\n\r\n0.5")
        defer { server.stop() }
        let field = try #require(HeaderField("X-Trace:  a b"))
        let report = try LoadRun.run(plan(.tcp(host: host, port: server.port), body: [0x31], headers: [field]))
        #expect(report.answeredCount == 20 && report.failedCount == 0 && report.versions == ["abc": 20])
        #expect(
            server.requests.allSatisfy {
                $0 == "POST /v2/models/m/infer HTTP/1.1\r\nHost: h:1\r\nContent-Length: 1\r\nX-Trace: a b\r\n\r\n1"
            })
    }

    @Test func whatIsNotAnsweredIsCountedByItsSentence() throws {
        let server = AnsweringServer(answer: "HTTP/1.1 200 OK\r\n\r\n")
        defer { server.stop() }
        let report = try LoadRun.run(plan(.tcp(host: "127.0.0.1", port: server.port), body: nil))
        #expect(report.failures == ["the answer is no HTTP/1.1 that states its length": 20])
        #expect(server.requests.first == "GET /v2/models/m/infer HTTP/1.1\r\nHost: h:1\r\n\r\n")
    }

    @Test(arguments: [
        "no colon", ": v", "a b: v", "a: b\r\nc: d", "a: b\u{0}", "Content-Length: 3", "transfer-encoding: chunked",
        "Connection: close", "a\n: b", "naïve: b",
    ])
    func fieldsCannotBreakTheRequest(text: String) {
        #expect(HeaderField(text) == nil)
    }

    @Test func aHostThatIsGivenTakesThePlaceOfTheOther() throws {
        let field = try #require(HeaderField("hOst: other"))
        let request = LoadPlan.request(method: "GET", path: "/ping", host: "h", headers: [field], body: nil)
        #expect(String(decoding: request, as: UTF8.self) == "GET /ping HTTP/1.1\r\nhOst: other\r\n\r\n")
    }
}
