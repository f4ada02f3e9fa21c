import Foundation
import Names
import Testing

@testable import InferenceServer

@Suite(.timeLimit(.minutes(3))) struct OpenInferenceRoutesTests {
    private func serving(
        limits: InferenceLimits = InferenceLimits(), _ body: (ServerHarness, PlainClient) async throws -> Void
    ) async throws {
        let harness = try await ServerHarness(limits: limits)
        do {
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            try await body(harness, PlainClient(port: harness.port))
            try await harness.stop()
        } catch {
            try await harness.stop()
            throw error
        }
    }

    private static func rows(_ rows: [[Double]], _ more: String = "") -> String {
        #"{"inputs":[{"name":"x","datatype":"FP64","shape":[\#(rows.count),3],"data":\#(rows)}]\#(more)}"#
    }

    private static func post(_ path: String, _ body: String, _ fields: [String: String] = [:]) -> String {
        var head = "POST \(path) HTTP/1.1\r\nHost: h\r\nContent-Length: \(body.utf8.count)\r\n"
        for (name, value) in fields { head += "\(name): \(value)\r\n" }
        return head + "\r\n" + body
    }

    private func ask(
        _ client: PlainClient, _ path: String, _ body: String, _ fields: [String: String] = [:]
    ) -> PlainClient.Answer? {
        client.send(Self.post(path, body, fields))
        return client.receive()
    }

    private func error(_ answer: PlainClient.Answer?) -> String? {
        guard let text = answer?.body,
            let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: String]
        else { return nil }
        return object["error"]
    }

    @Test func rowsAreAnsweredWithIDAndVersion() async throws {
        try await serving { _, client in
            let answer = ask(client, "/v2/models/a/infer", Self.rows([[1, 2, 3], [4, 5, 6]], #","id":"q7""#))
            #expect(answer?.status == 200 && answer?.fields["content-type"] == "application/json")
            #expect(answer?.fields["x-lodestore-model-version"] == "1")
            #expect(
                answer?.body
                    == #"{"model_name":"a","model_version":"1","id":"q7","outputs":[{"name":"predict","datatype":"FP32","shape":[2],"data":[6.0,15.0]}]}"#
            )
            #expect(ask(client, "/v2/models/a/versions/1/infer", Self.rows([[1, 2, 3]]))?.status == 200)
        }
    }

    @Test func binaryTensorsGoInAndOut() async throws {
        try await serving { _, client in
            let json =
                #"{"inputs":[{"name":"x","datatype":"UINT8","shape":[1,3],"parameters":{"binary_data_size":3}}],"parameters":{"binary_data_output":true}}"#
            let fields = ["Inference-Header-Content-Length": "\(json.utf8.count)"]
            for _ in 0..<3 {
                let answer = ask(client, "/v2/models/a/infer", json + "\u{1}\u{2}\u{3}", fields)
                let length = answer?.fields["inference-header-content-length"].flatMap { Int($0) } ?? 0
                #expect(answer?.fields["content-type"] == "application/octet-stream")
                // 6 as a float: 00 00 C0 40, of which C0 is no UTF-8 by itself.
                #expect(answer?.body.utf8.prefix(length).last == UInt8(ascii: " ") || length > 0)
                #expect(answer?.body.hasSuffix("\u{0}\u{0}\u{FFFD}@") == true)
                #expect(answer?.body.contains(#""binary_data_size":4"#) == true)
            }
        }
    }

    @Test func whatIsRefusedSaysWhyAndTouchesNoNeighbour() async throws {
        var limits = InferenceLimits()
        limits.rowCount = 2
        limits.bodyBytes = 1000
        try await serving(limits: limits) { _, client in
            let good = Self.post("/v2/models/a/infer", Self.rows([[1, 2, 3]]))
            let bad: [(String, Int, String)] = [
                (
                    Self.post("/v2/models/a/infer", Self.rows([[1, 2], [3]])), 400,
                    "inputs[0].data: row 1 has 2 elements"
                ),
                (Self.post("/v2/models/b/infer", Self.rows([[1, 2, 3]])), 404, "live are a"),
                (Self.post("/v2/models/a/versions/2/infer", "{}"), 404, "live in version 1; version 2 is not served"),
                (
                    Self.post("/v2/models/a/infer", Self.rows([[1, 2, 3], [1, 2, 3], [1, 2, 3]])), 413,
                    "more than 2 rows"
                ),
                (Self.post("/v2/models/a/infer", "{}", ["Content-Encoding": "gzip"]), 415, "Content-Encoding: gzip"),
                (Self.post("/v2/models/a/infer", "{}", ["Inference-Header-Content-Length": "x"]), 400, "no number"),
                (Self.post("/v2/models/a/infer", "{}", ["Inference-Header-Content-Length": "-2"]), 400, "no number"),
                ("GET /v2/models/a/infer HTTP/1.1\r\nHost: h\r\n\r\n", 405, "takes POST"),
                (Self.post("/v2/models/a/ready", ""), 405, "takes GET, HEAD"),
                (Self.post("/v2/health/live", ""), 405, "takes GET, HEAD"),
                ("GET /v2/models/b HTTP/1.1\r\nHost: h\r\n\r\n", 404, "no model"),
                ("GET /v2/models/b/stats HTTP/1.1\r\nHost: h\r\n\r\n", 404, "no model"),
                ("GET /v2/trace/setting HTTP/1.1\r\nHost: h\r\n\r\n", 404, "nothing is served"),
                (Self.post("/v2/repository/models/b/load", ""), 404, "from the bucket alone"),
                (
                    Self.post("/v2/repository/models/a/load", #"{"parameters":{"config":"{}"}}"#), 400,
                    "parameters.config"
                ),
                (Self.post("/v2/repository/index", "["), 400, "the request:"),
            ]
            for (request, status, reason) in bad {
                client.send(request + good)
                let answer = client.receive()
                #expect(answer?.status == status, "\(request)")
                #expect(error(answer)?.contains(reason) == true, "\(String(describing: answer?.body))")
                #expect(client.receive()?.body.contains("[6.0]") == true)
            }
            let large = ask(client, "/v2/models/a/infer", String(repeating: " ", count: 2000))
            #expect(large?.status == 413)
        }
    }

    @Test func modelsTellOfThemselves() async throws {
        try await serving { harness, client in
            #expect(client.get("/v2")?.body.contains(#""name":"lodestore""#) == true)
            #expect(client.get("/v2/models/a")?.body.contains(#""shape":[-1,3]"#) == true)
            #expect(client.get("/v2/models/a/config")?.body.contains(#""dims":[-1,3]"#) == true)
            #expect(client.get("/v2/models/a/ready")?.status == 200)
            #expect(client.get("/v2/models/a/versions/1/ready")?.status == 200)
            #expect(client.get("/v2/models/a/versions/2/ready")?.status == 404)
            harness.registry.retire(model: "a")
            #expect(client.get("/v2/models/a/ready")?.status == 503, "nothing is live at all")
        }
    }

    @Test func everyLoopsRequestsAreCounted() async throws {
        var limits = InferenceLimits()
        limits.loopWork = 10
        try await serving(limits: limits) { harness, client in
            let large = Self.rows((0..<20).map { [Double($0), 0, 0] })
            for number in 0..<6 {
                let other = PlainClient(port: harness.port)
                #expect(ask(other, "/v2/models/a/infer", number < 2 ? large : Self.rows([[1, 2, 3]]))?.status == 200)
            }
            #expect(ask(client, "/v2/models/a/infer", "{")?.status == 400)
            // What a worker answered is counted on the loop right after the answer has left.
            var text = ""
            while !text.contains(#""execution_count":6"#) { text = client.get("/v2/models/a/stats")?.body ?? "" }
            #expect(text.contains(#""inference_count":44"#) && text.contains(#""fail":{"count":1,"#))
            #expect(text.contains(#""success":{"count":6,"#) && text.contains(#""version":"1""#))
            #expect(client.get("/v2/models/stats")?.body.contains(#""inference_count":44"#) == true)
            try harness.adopt("a", version: "2", generation: 2, bias: 1)
            #expect(client.get("/v2/models/stats")?.body.contains(#""inference_count":0"#) == true, "a new version")
        }
    }

    @Test func largeRequestsAreAnsweredElsewhereAndInOrder() async throws {
        var limits = InferenceLimits()
        limits.loopBytes = 200
        try await serving(limits: limits) { harness, client in
            let large = Self.rows((0..<50).map { [Double($0), 0, 0] }, #","parameters":{"binary_data_output":true}"#)
            let broken = Self.rows((0..<50).map { [Double($0), 0] })
            let path = "/v2/models/a/infer"
            let bodies = [large, Self.rows([[1, 2, 3]]), broken, Self.rows([[1, 2, 3]])]
            client.send(bodies.map { Self.post(path, $0) }.joined())
            let first = client.receive()
            #expect(first?.body.contains(#""binary_data_size":200"#) == true)
            #expect(first?.fields["inference-header-content-length"] != nil)
            #expect(client.receive()?.body.contains("[6.0]") == true)
            let third = client.receive()
            #expect(third?.status == 400 && error(third)?.contains("row 1 has 2 elements") == true)
            #expect(third?.fields["x-lodestore-model-version"] == "1")
            #expect(client.receive()?.body.contains("[6.0]") == true)
            harness.registry.retire(model: "a")
            while harness.releasedGenerations != [1] { await Task.yield() }
        }
    }

    @Test func classesAreAnsweredByTheirLabels() async throws {
        try await serving { harness, client in
            try harness.adoptClasses("named", generation: 2, labels: ["low", "middle", "high"])
            try harness.adoptClasses("plain", generation: 3, labels: [])
            func asked(_ classCount: Int) -> String {
                Self.rows(
                    [[1, 3, 2], [5, 4, 6]],
                    #","outputs":[{"name":"predict","parameters":{"classification":\#(classCount)}}]"#)
            }
            let named = ask(client, "/v2/models/named/infer", asked(2))
            #expect(
                named?.body.hasSuffix(
                    #""datatype":"BYTES","shape":[2,2],"data":["3.0:1:middle","2.0:2:high","6.0:2:high","5.0:0:low"]}]}"#
                )
                    == true)
            let plain = ask(client, "/v2/models/plain/infer", asked(1))
            #expect(plain?.body.hasSuffix(#""shape":[2,1],"data":["3.0:1","6.0:2"]}]}"#) == true)
            let numbers = ask(client, "/v2/models/named/infer", asked(0))
            #expect(numbers?.body.hasSuffix(#""shape":[2,3],"data":[1.0,3.0,2.0,5.0,4.0,6.0]}]}"#) == true)
            #expect(client.get("/v2/models/named")?.body.contains(#""labels":["low","middle","high"]"#) == true)
            #expect(client.get("/v2/models/plain")?.body.contains("labels") == false)
            #expect(client.get("/v2")?.body.contains(#""classification""#) == true)
        }
    }

    /// Making texts counts as work: what a loop would be held up by goes to a worker.
    @Test func manyClassesAreAWorkersWork() async throws {
        var limits = InferenceLimits()
        limits.loopWork = 100
        try await serving(limits: limits) { harness, client in
            try harness.adoptClasses("plain", generation: 2, labels: [])
            func queued() -> Int {
                let lines = client.get("/metrics")?.body.split(separator: "\n") ?? []
                let name = "lodestore_executor_queue_duration_seconds_count "
                return lines.first { $0.hasPrefix(name) }.flatMap { Int($0.dropFirst(name.count)) } ?? -1
            }
            #expect(ask(client, "/v2/models/plain/infer", Self.rows([[1, 2, 3]]))?.status == 200 && queued() == 0)
            let classes = #","outputs":[{"name":"predict","parameters":{"classification":3}}]"#
            let answer = ask(client, "/v2/models/plain/infer", Self.rows([[1, 2, 3]], classes))
            #expect(answer?.body.contains(#""data":["3.0:2","2.0:1","1.0:0"]"#) == true && queued() == 1)
        }
    }

    @Test func unloadingStopsAnswersAndKeepsTheImage() async throws {
        try await serving { harness, client in
            try harness.adopt("b", version: "5", generation: 2, bias: 100)
            #expect(ask(client, "/v2/repository/models/a/unload", "")?.status == 200)
            for other in [client, PlainClient(port: harness.port), PlainClient(port: harness.port)] {
                let refused = ask(other, "/v2/models/a/infer", Self.rows([[1, 2, 3]]))
                #expect(refused?.status == 404 && error(refused)?.contains("is unloaded here") == true)
                #expect(other.predict("1,2,3")?.body == "106.0\n", "the only one that is answered for")
            }
            #expect(harness.releasedGenerations == [])
            let index = ask(client, "/v2/repository/index", "")?.body
            #expect(
                index
                    == #"[{"name":"a","version":"1","state":"UNAVAILABLE","reason":"unloaded"},{"name":"b","version":"5","state":"READY","reason":""}]"#
            )
            let ready = ask(client, "/v2/repository/index", #"{"ready":true}"#)?.body
            #expect(ready == #"[{"name":"b","version":"5","state":"READY","reason":""}]"#)
            #expect(client.get("/v2/models/stats")?.body.contains(#""name":"a""#) == false)

            // A version that comes meanwhile is held as well, and takes the place of the one before.
            try harness.adopt("a", version: "2", generation: 3, bias: 10)
            while harness.releasedGenerations != [1] { await Task.yield() }
            #expect(ask(client, "/v2/models/a/infer", Self.rows([[1, 2, 3]]))?.status == 404)
            #expect(ask(client, "/v2/repository/models/a/load", "{}")?.status == 200)
            #expect(ask(client, "/v2/models/a/infer", Self.rows([[1, 2, 3]]))?.body.contains("[16.0]") == true)

            for name in ["a", "b"] { #expect(ask(client, "/v2/repository/models/\(name)/unload", "")?.status == 200) }
            #expect(client.get("/v2/health/ready")?.status == 503)
            #expect(client.get("/ping")?.status == 503)
            harness.registry.retire(model: "a")
            while harness.releasedGenerations != [1, 3] { await Task.yield() }
            #expect(ask(client, "/v2/repository/models/a/load", "")?.status == 404)
            try harness.adopt("a", version: "3", generation: 4, bias: 20)
            #expect(client.get("/v2/health/ready")?.status == 200, "what was retired is no longer unloaded")
        }
    }
}
