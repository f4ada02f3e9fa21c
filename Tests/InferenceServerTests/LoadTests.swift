import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

@testable import HTTPKernel
@testable import InferenceServer

/// Shedding, deadlines, and what is counted and logged.
@Suite(.timeLimit(.minutes(3))) struct LoadTests {
    private func value(_ name: String, _ client: PlainClient) -> Double? {
        let page = client.get("/metrics")?.body ?? ""
        let line = page.split(separator: "\n").first { $0.hasPrefix(name + " ") }
        return line.flatMap { Double($0.dropFirst(name.count + 1)) }
    }

    /// Holds the only worker until it is let go.
    private func block(_ harness: ServerHarness) -> DispatchSemaphore {
        let gate = DispatchSemaphore(value: 0)
        harness.workers.submit { _ in gate.wait() }
        return gate
    }

    /// Serves a model of which every request of 50 rows waits for the only worker, which is held until the gate is opened.
    private func withHeldWorker(
        loops: Int = 1, concurrentCount: Int,
        _ body: (ServerHarness, _ watch: PlainClient, _ gate: DispatchSemaphore) async throws -> Void
    ) async throws {
        var limits = ServerHarness.limits
        limits.loopWork = 10
        limits.concurrentCount = concurrentCount
        try await ServerHarness.serving(loops: loops, limits: limits, workerCount: 1) { harness in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            try await body(harness, PlainClient(port: harness.port), block(harness))
        }
    }

    private func untilInFlight(_ count: Double, _ watch: PlainClient) async {
        while value("lodestore_executor_requests_in_flight", watch) != count { await Task.yield() }
    }

    private let large = (0..<50).map { "\($0),0,0" }.joined(separator: "\n")

    @Test func oneLargeRequestTooManyIsShedAtOnceAndTheOthersAreAnswered() async throws {
        try await withHeldWorker(concurrentCount: 2) { harness, watch, gate in
            let clients = (0..<2).map { _ in PlainClient(port: harness.port) }
            for client in clients { client.send(PlainClient.post(large)) }
            await untilInFlight(2, watch)
            let shed = watch.predict(large)
            #expect(shed?.status == 503 && shed?.fields["retry-after"] == "1")
            #expect(watch.predict("1,2,3")?.status == 200, "small requests do not wait for workers")
            gate.signal()
            for client in clients { #expect(client.receive()?.status == 200) }
            await untilInFlight(0, watch)
            #expect(value("lodestore_executor_pending_bytes", watch) == 0)
            #expect(watch.predict(large)?.status == 200)
            #expect(value(#"lodestore_executor_requests_total{outcome="shed"}"#, watch) == 1)
            #expect(value(#"lodestore_executor_requests_total{outcome="answered"}"#, watch) == 4)
        }
    }

    /// A model without trees is large by its weights.
    @Test func oneRowOfManyWeightsGoesToAWorker() async throws {
        var limits = ServerHarness.limits
        limits.loopWork = 9
        try await ServerHarness.serving(loops: 1, limits: limits, workerCount: 1) { harness in
            try harness.adopt("wide", version: "1", generation: 1, bias: 0, featureCount: 2000)
            try harness.adopt("a", version: "1", generation: 2, bias: 0)
            let watch = PlainClient(port: harness.port)
            let gate = block(harness)
            let client = PlainClient(port: harness.port)
            let row = Array(repeating: "1", count: 2000).joined(separator: ",")
            client.send(PlainClient.post(row, ["X-Amzn-SageMaker-Target-Model": "wide"]))
            await untilInFlight(1, watch)
            #expect(watch.predict("1,2,3", ["X-Amzn-SageMaker-Target-Model": "a"])?.body == "6.0\n")
            gate.signal()
            #expect(client.receive()?.body == "2000.0\n")
        }
    }

    /// A row by name takes a number for each feature, however few it names.
    @Test func rowsByNameOfManyNumbersAreReadByAWorker() async throws {
        var limits = ServerHarness.limits
        limits.loopWork = .max
        limits.cellCount = 40_000
        try await ServerHarness.serving(loops: 1, limits: limits, workerCount: 1) { harness in
            let names = (0..<2000).map { "f\($0)" }
            try harness.adopt("a", version: "1", generation: 1, bias: 0, featureNames: names, featureCount: 2000)
            let watch = PlainClient(port: harness.port)
            let gate = block(harness)
            let client = PlainClient(port: harness.port)
            func body(_ rowCount: Int) -> String {
                "[" + repeatElement(#"{"f1":1}"#, count: rowCount).joined(separator: ",") + "]"
            }
            let json = ["Content-Type": "application/json"]
            client.send(PlainClient.post(body(17), json))
            await untilInFlight(1, watch)
            // Sixteen are within the loop's budget.
            #expect(watch.predict(body(16), json)?.status == 200)
            gate.signal()
            #expect(client.receive()?.status == 200)
            let refused = watch.predict(body(21), json)
            #expect(refused?.status == 413)
            #expect(refused?.body.contains("more than 40000 numbers, each row to 2000") == true)
            #expect(value(#"lodestore_executor_requests_total{outcome="size"}"#, watch) == 1)
        }
    }

    /// The Open Inference Protocol comes under the same bounds and into the same books.
    @Test func largeTensorRequestsAreShedAndCountedToo() async throws {
        try await withHeldWorker(concurrentCount: 1) { harness, watch, gate in
            let client = PlainClient(port: harness.port)
            client.send(tensors(50))
            await untilInFlight(1, watch)
            watch.send(tensors(50))
            let shed = watch.receive()
            #expect(shed?.status == 503 && shed?.fields["retry-after"] == "1")
            gate.signal()
            #expect(client.receive()?.status == 200)
            await untilInFlight(0, watch)
            #expect(value("lodestore_executor_pending_bytes", watch) == 0)
            #expect(value(#"lodestore_executor_requests_total{outcome="shed"}"#, watch) == 1)
            #expect(value(#"lodestore_executor_requests_total{outcome="answered"}"#, watch) == 1)
            #expect(value(#"lodestore_executor_rows_total{model="a",version="1"}"#, watch) == 50)
        }
    }

    /// Only what has come of a body is taken on, and it is given back when the client goes.
    @Test(arguments: ["Content-Length: 900\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n200\r\n"])
    func bodiesCountAsTheyComeAndAreGivenBackWhenTheClientGoes(framing: String) async throws {
        var limits = ServerHarness.limits
        limits.loopBytes = 10
        limits.bodyBytes = 1000
        limits.pendingBytes = 1
        limits.concurrentCount = 1
        try await ServerHarness.serving(loops: 2, limits: limits) { harness in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            let watch = PlainClient(port: harness.port)
            // Heads alone take nothing from anybody, however many there are.
            let heads = (0..<40).map { _ in PlainClient(port: harness.port) }
            let begun = framing.replacing("900", with: "200") + "1,2"
            for head in heads { head.send("POST /invocations HTTP/1.1\r\nHost: h\r\n" + begun) }
            // Every loop has seen them.
            for _ in 0..<4 { #expect(PlainClient(port: harness.port).get("/ping")?.status == 200) }
            #expect(watch.predict(large)?.status == 200)
            #expect(value("lodestore_executor_requests_in_flight", watch) == 0)
            var slow: PlainClient? = PlainClient(port: harness.port)
            slow?.send("POST /invocations HTTP/1.1\r\nHost: h\r\n\(framing)" + String(repeating: "1", count: 500))
            while value("lodestore_executor_pending_bytes", watch) != 500 { await Task.yield() }
            #expect(value("lodestore_executor_requests_in_flight", watch) == 0, "it is not whole")
            // On whichever loop they come: what is announced finds no room, or what comes does not.
            for _ in 0..<4 {
                let shed = PlainClient(port: harness.port).predict(String(repeating: "1", count: 501))
                #expect(shed?.status == 503 && shed?.fields["retry-after"] == "1")
                let cut = PlainClient(port: harness.port)
                cut.send("POST /invocations HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
                cut.send("1f5\r\n" + String(repeating: "1", count: 501))
                let answer = cut.receive()
                #expect(answer?.status == 503 && answer?.fields["retry-after"] == "1")
                #expect(answer?.fields["connection"] == "close" && cut.receive() == nil)
            }
            #expect(value(#"lodestore_executor_requests_total{outcome="shed"}"#, watch) == 8)
            #expect(watch.predict(large)?.status == 200, "what fits is answered")
            slow = nil
            while value("lodestore_executor_pending_bytes", watch) != 0 { await Task.yield() }
            // Refused before anything was received: the limit holds all the same afterwards.
            let tooLarge = PlainClient(port: harness.port).predict(String(repeating: "1", count: 2000))
            #expect(tooLarge?.status == 413)
            #expect(value("lodestore_executor_pending_bytes", watch) == 0)
            #expect(watch.predict(large)?.status == 200)
            withExtendedLifetime(heads) {}
        }
    }

    /// The operator's number is that of the process, over however many loops.
    @Test func theLimitsAreThoseOfAllLoopsTogether() async throws {
        try await withHeldWorker(loops: 4, concurrentCount: 1) { harness, watch, gate in
            let first = PlainClient(port: harness.port)
            first.send(PlainClient.post(large))
            await untilInFlight(1, watch)
            for _ in 0..<8 { #expect(PlainClient(port: harness.port).predict(large)?.status == 503) }
            gate.signal()
            #expect(first.receive()?.status == 200)
        }
    }

    /// Small requests never queue in the process, but a loop may have had much to do before their turn came.
    @Test(arguments: ["/invocations", "/v2/models/a/infer"])
    func aSmallRequestThatHasWaitedForItsLoopIsRefusedUnread(path: String) async throws {
        var limits = ServerHarness.limits
        limits.loopWaitNanoseconds = 10_000_000_000
        try await ServerHarness.serving(limits: limits) { harness in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            let row =
                path == "/invocations"
                ? "1,2,3" : #"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":[1,2,3]}]}"#
            /// - Parameter waited: nanoseconds.
            func ask(_ body: String, waited: UInt64, _ fields: [(String, String)] = []) async throws -> Response? {
                let loop = harness.group.any()
                let limits = limits
                return try await loop.submit { () -> Response? in
                    let responder = InferenceResponder(
                        registry: harness.registry, loop: loop, services: harness.services, defaultModel: nil,
                        limits: limits)
                    let head = HTTPRequestHead(
                        version: .http1_1, method: .POST, uri: path, headers: HTTPHeaders([("host", "h")] + fields))
                    let facts = ConnectionFacts(id: 1, peer: nil, local: nil, isTLS: false, listener: "http")
                    let request = GatheredRequest(
                        head: RequestHead(head), body: ByteBuffer(string: body), connection: facts,
                        arrivedNanoseconds: Inquiry.now() - waited)
                    guard case .now(let response) = responder.respond(to: request) else { return nil }
                    return response
                }.get()
            }
            let hasCome: UInt64 = 0
            let longAgo: UInt64 = 20_000_000_000
            let watch = PlainClient(port: harness.port)
            #expect(try await ask("garbage", waited: hasCome)?.head.status == .badRequest)
            let shed = try #require(try await ask("garbage", waited: longAgo))
            #expect(shed.head.status == .serviceUnavailable)
            #expect(String(decoding: shed.head.bytes, as: UTF8.self).contains("retry-after: 1\r\n"))
            #expect(String(buffer: shed.body).contains("the executor is busy; try again"))
            #expect(value(#"lodestore_executor_requests_total{outcome="shed"}"#, watch) == 1)
            // What the client says of its patience counts from the same instant.
            let patient = [("x-lodestore-deadline-ms", "100000")]
            let impatient = [("x-lodestore-deadline-ms", "15000")]
            #expect(try await ask("garbage", waited: longAgo, impatient)?.head.status == .gatewayTimeout)
            #expect(try await ask(row, waited: hasCome, patient)?.head.status == .ok)
            #expect(value(#"lodestore_executor_requests_total{outcome="deadline"}"#, watch) == 1)
            // And so does what the histogram says of it.
            let fiveSeconds: UInt64 = 5_000_000_000
            #expect(try await ask(row, waited: fiveSeconds)?.head.status == .ok)
            let sum = value(#"lodestore_executor_request_duration_seconds_sum{model="a",version="1"}"#, watch)
            #expect(try #require(sum) >= 5)
        }
    }

    @Test func aRequestThatWaitedTooLongForAWorkerIsShed() async throws {
        var limits = ServerHarness.limits
        limits.loopWork = 10
        limits.queueNanoseconds = 0
        try await ServerHarness.serving(limits: limits) { harness in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            let client = PlainClient(port: harness.port)
            let shed = client.predict(large)
            #expect(shed?.status == 503 && shed?.fields["retry-after"] == "1")
            #expect(client.predict("1,2,3")?.status == 200)
            #expect(value("lodestore_executor_queue_duration_seconds_count", client) == 1)
        }
    }

    @Test func aRequestPastItsDeadlineIsNotScored() async throws {
        var limits = ServerHarness.limits
        limits.loopWork = 10
        try await ServerHarness.serving(loops: 1, limits: limits, workerCount: 1) { harness in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            let client = PlainClient(port: harness.port)
            #expect(client.predict("1,2,3", ["x-lodestore-deadline-ms": "0"])?.status == 504)
            #expect(client.predict("1,2,3", ["x-lodestore-deadline-ms": "60000"])?.status == 200)
            #expect(client.predict("1,2,3", ["x-lodestore-deadline-ms": "1000.5"])?.status == 200)
            for text in ["", "x", "-1", "1.2.3", "1e3", "9999999999", "1.1234567"] {
                #expect(client.predict("1,2,3", ["x-lodestore-deadline-ms": text])?.status == 400)
            }
            let gate = block(harness)
            let waiting = PlainClient(port: harness.port)
            waiting.send(PlainClient.post(large, ["x-lodestore-deadline-ms": "1"]))
            while value("lodestore_executor_requests_in_flight", client) != 1 { await Task.yield() }
            let passed = Inquiry.now() + 2_000_000
            while Inquiry.now() < passed { await Task.yield() }
            gate.signal()
            #expect(waiting.receive()?.status == 504)
            #expect(value(#"lodestore_executor_requests_total{outcome="deadline"}"#, client) == 2)
            #expect(value(#"lodestore_executor_rows_total{model="a",version="1"}"#, client) == 2)
        }
    }

    private func tensors(_ rowCount: Int, _ fields: [String: String] = [:]) -> String {
        let rows = (0..<rowCount).map { "\($0),0,0" }.joined(separator: ",")
        return PlainClient.post(
            #"{"inputs":[{"name":"x","datatype":"FP32","shape":[\#(rowCount),3],"data":[\#(rows)]}]}"#, fields,
            path: "/v2/models/a/infer")
    }

    @Test(arguments: [0, 1000])
    func aTensorRequestThatWaitedTooLongForAWorkerIsShed(loopBytes: Int) async throws {
        var limits = ServerHarness.limits
        limits.loopWork = 10
        limits.loopBytes = loopBytes
        limits.queueNanoseconds = 0
        try await ServerHarness.serving(loops: 1, limits: limits, workerCount: 1) { harness in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            let client = PlainClient(port: harness.port)
            client.send(tensors(50))
            let shed = client.receive()
            #expect(shed?.status == 503 && shed?.fields["retry-after"] == "1")
            #expect(shed?.body == #"{"error":"the executor is busy; try again"}"#)
            #expect(shed?.fields["x-lodestore-model-version"] == "1")
            #expect(value("lodestore_executor_queue_duration_seconds_count", client) == 1)
            #expect(value(#"lodestore_executor_requests_total{outcome="shed"}"#, client) == 1)
            #expect(value("lodestore_executor_requests_in_flight", client) == 0)
            #expect(value(#"lodestore_executor_rows_total{model="a",version="1"}"#, client) == 0)
        }
    }

    @Test func aTensorRequestPastItsDeadlineIsNotScored() async throws {
        var limits = ServerHarness.limits
        limits.loopWork = 10
        try await ServerHarness.serving(loops: 1, limits: limits, workerCount: 1) { harness in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            let client = PlainClient(port: harness.port)
            func status(_ rowCount: Int, _ milliseconds: String) -> Int? {
                client.send(tensors(rowCount, ["x-lodestore-deadline-ms": milliseconds]))
                return client.receive()?.status
            }
            #expect(status(1, "0") == 504)
            #expect(status(1, "60000") == 200)
            #expect(status(50, "60000.5") == 200)
            for text in ["", "x", "-1"] { #expect(status(1, text) == 400) }
            let gate = block(harness)
            let waiting = PlainClient(port: harness.port)
            waiting.send(tensors(50, ["x-lodestore-deadline-ms": "1"]))
            while value("lodestore_executor_requests_in_flight", client) != 1 { await Task.yield() }
            let passed = Inquiry.now() + 2_000_000
            while Inquiry.now() < passed { await Task.yield() }
            gate.signal()
            #expect(waiting.receive()?.status == 504)
            #expect(value(#"lodestore_executor_requests_total{outcome="deadline"}"#, client) == 2)
            #expect(value(#"lodestore_executor_requests_total{outcome="field"}"#, client) == 3)
            #expect(value(#"lodestore_executor_rows_total{model="a",version="1"}"#, client) == 51)
        }
    }

    @Test func metricsTellModelsVersionsAndFaults() async throws {
        try await ServerHarness.serving { harness in
            let clients = (0..<4).map { _ in PlainClient(port: harness.port) }
            let client = clients[0]
            #expect(value("lodestore_executor_live_models", client) == 0)
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            for client in clients { #expect(client.predict("1,2,3\n4,5,6")?.status == 200) }
            #expect(client.predict("1,2")?.status == 400)
            #expect(client.predict("1,2,3", ["Content-Type": "image/png"])?.status == 415)
            #expect(client.predict("1,2,3", ["X-Amzn-SageMaker-Target-Model": "z"])?.status == 404)
            #expect(client.get("/nothing")?.status == 404)
            let labels = #"{model="a",version="1"}"#
            #expect(value("lodestore_executor_rows_total\(labels)", client) == 8)
            #expect(value("lodestore_executor_request_duration_seconds_count\(labels)", client) == 4)
            #expect(value("lodestore_executor_prediction_score_count\(labels)", client) == 8)
            #expect(value("lodestore_executor_prediction_score_sum\(labels)", client) == 84)
            #expect(
                value(#"lodestore_executor_prediction_score_bucket{model="a",version="1",le="10.0"}"#, client) == 4)
            for kind in ["rows", "format"] {
                let name = "lodestore_executor_model_failures_total"
                #expect(value("\(name){model=\"a\",version=\"1\",kind=\"\(kind)\"}", client) == 1)
            }
            for (outcome, count) in [("answered", 4.0), ("rows", 1), ("format", 1), ("model", 1), ("http", 1)] {
                #expect(value("lodestore_executor_requests_total{outcome=\"\(outcome)\"}", client) == count)
            }
            try harness.adopt("a", version: "2", generation: 2, bias: 0)
            let page = client.get("/metrics")?.body ?? ""
            #expect(!page.contains(#"version="1""#) && page.contains(#"version="2""#), "only what is live has labels")
            #expect(value("lodestore_executor_swaps_total", client) == 2)
            #expect(value("lodestore_executor_live_models", client) == 1)
            #expect(value("lodestore_executor_requests_total{outcome=\"answered\"}", client) == 4)
            client.send("POST /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
            #expect(client.receive()?.status == 405)
        }
    }

    @Test func oneRequestInSoManyIsLoggedWithoutItsQueryOrBody() async throws {
        let records = Records()
        var logger = Logger(label: "test") { _ in records.handler }
        logger.logLevel = .info
        try await ServerHarness.serving(loops: 1, log: (3, logger)) { harness in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            let client = PlainClient(port: harness.port)
            for _ in 0..<9 {
                client.send(PlainClient.post("7,8,9", [:], path: "/invocations?secret=yes"))
                #expect(client.receive()?.status == 200)
            }
            while records.all.count < 3 { await Task.yield() }
            #expect(records.all.count == 3)
            let line = try #require(records.all.first)
            #expect(
                line["http.method"] == "POST" && line["http.path"] == "/invocations" && line["http.status"] == "200")
            #expect(line["model.name"] == "a" && line["model.version"] == "1" && line["request.rows"] == "1")
            #expect(line["http.received.bytes"] == "5" && line["duration.ms"].flatMap { Double($0) } != nil)
            #expect(!line.values.contains { $0.contains("secret") || $0.contains("7,8") })
        }
    }

    /// Requests that a worker answers, for their work or for their bytes, have lines like those that a loop answers.
    @Test(arguments: ["/invocations", "/v2/models/a/infer"])
    func answersOfWorkersAreLoggedToo(path: String) async throws {
        let records = Records()
        var logger = Logger(label: "test") { _ in records.handler }
        logger.logLevel = .info
        var limits = ServerHarness.limits
        limits.loopWork = 10
        limits.loopBytes = 1000
        try await ServerHarness.serving(loops: 1, limits: limits, log: (1, logger)) { harness in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            let client = PlainClient(port: harness.port)
            for rowCount in [1, 50, 500] {
                let rows = Array(repeating: "1,0,0", count: rowCount)
                let body =
                    path == "/invocations"
                    ? rows.joined(separator: "\n")
                    : #"{"inputs":[{"name":"x","datatype":"FP32","shape":[\#(rowCount),3],"data":["#
                        + rows.joined(separator: ",") + "]}]}"
                client.send(PlainClient.post(body, [:], path: path))
                let answer = client.receive()
                #expect(answer?.status == 200)
                while records.all.isEmpty { await Task.yield() }
                let line = records.take()
                #expect(line["http.path"] == path && line["http.status"] == "200")
                #expect(line["model.name"] == "a" && line["model.version"] == "1")
                #expect(line["request.rows"] == "\(rowCount)" && line["http.received.bytes"] == "\(body.utf8.count)")
                #expect(line["http.sent.bytes"] == answer?.fields["content-length"])
                #expect(line["duration.ms"].flatMap { Double($0) } ?? 0 > 0)
            }
            client.send(PlainClient.post("", [:], path: "/v2/repository/models/a/unload"))
            #expect(client.receive()?.status == 200)
            while records.all.isEmpty { await Task.yield() }
            #expect(records.take()["http.path"] == "/v2/repository/models/a/unload")
            client.send(PlainClient.post("{}", [:], path: "/v2/models/a/infer"))
            #expect(client.receive()?.status == 404)
            #expect(value(#"lodestore_executor_requests_total{outcome="model"}"#, client) == 1)
        }
    }
}
