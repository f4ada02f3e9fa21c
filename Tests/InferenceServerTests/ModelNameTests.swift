import Names
import PropertyTesting
import Testing

@testable import InferenceServer

/// Models whose names differ in their bytes alone are two models to every front of the executor.
@Suite(.timeLimit(.minutes(3))) struct ModelNameTests {
    /// Adopts both of each pair: the first predicts the sum of its features, the second a hundred more.
    private func serving(_ body: (ServerHarness, [(Name, String)]) async throws -> Void) async throws {
        try await ServerHarness.serving { harness in
            var named: [(Name, String)] = []
            for (first, second) in Twins.pairs {
                for (name, bias) in [(first, 0.0), (second, 100.0)] {
                    try harness.adopt(
                        name, version: "\(named.count)", generation: UInt64(named.count + 1), bias: bias)
                    named.append((Name(name), "\(bias + 6)\n"))
                }
            }
            try await body(harness, named)
        }
    }

    private func predict(_ client: PlainClient, _ name: Name) -> String? {
        client.predict("1,2,3", ["X-Amzn-SageMaker-Target-Model": name.text])?.body
    }

    @Test func twinsAnswerTheirOwnPredictions() async throws {
        try await serving { harness, named in
            let client = PlainClient(port: harness.port)
            for (name, expected) in named { #expect(predict(client, name) == expected, "\(Array(name.utf8))") }
        }
    }

    @Test func twinsHaveTheirOwnPaths() async throws {
        try await serving { harness, named in
            let client = PlainClient(port: harness.port)
            for (number, (name, _)) in named.enumerated() {
                let answer = client.get("/v2/models/\(encoded(name))")
                #expect(answer?.fields["x-lodestore-model-version"] == "\(number)", "\(Array(name.utf8))")
            }
        }
    }

    /// As a path has it.
    private func encoded(_ name: Name) -> String {
        name.utf8.map { ($0 < 16 ? "%0" : "%") + String($0, radix: 16, uppercase: true) }.joined()
    }

    @Test func aTwinStaysWhenTheOtherIsUnloadedOrRetired() async throws {
        try await serving { harness, named in
            let client = PlainClient(port: harness.port)
            let (first, second) = (named[0].0, named[1].0)
            client.send(PlainClient.post("", path: "/v2/repository/models/\(encoded(first))/unload"))
            #expect(client.receive()?.status == 200)
            #expect(client.predict("1,2,3", ["X-Amzn-SageMaker-Target-Model": first.text])?.status == 404)
            #expect(predict(client, second) == "106.0\n")
            client.send(PlainClient.post("", path: "/v2/repository/models/\(encoded(first))/load"))
            #expect(client.receive()?.status == 200)
            harness.registry.retire(model: second)
            #expect(predict(client, first) == "6.0\n")
            #expect(client.predict("1,2,3", ["X-Amzn-SageMaker-Target-Model": second.text])?.status == 404)
        }
    }

    @Test func everyTwinHasItsLinesInTheMetricsAndTheIndex() async throws {
        try await serving { harness, named in
            let client = PlainClient(port: harness.port)
            for (name, _) in named { _ = predict(client, name) }
            let page = try #require(client.get("/metrics")?.body)
            client.send(PlainClient.post("{}", path: "/v2/repository/index"))
            let index = try #require(client.receive()?.body)
            for (number, (name, _)) in named.enumerated() {
                let line = "lodestore_executor_rows_total{model=\"\(name.text)\",version=\"\(number)\"} 1"
                #expect(page.utf8.firstRange(of: line.utf8) != nil, "\(Array(name.utf8))")
                #expect(index.utf8.firstRange(of: "\"\(name.text)\"".utf8) != nil, "\(Array(name.utf8))")
            }
        }
    }

    @Test func aMarkBehindTheQuestionMarkOrASlashHidesNeither() {
        #expect(OpenInferencePath("/v2/health/live?\u{301}") == .live)
        #expect(OpenInferencePath("/v2/models/\u{338}a/ready") == .model(name: "\u{338}a", version: nil, .ready))
        #expect(OpenInferencePath("/v2/models/\u{212A}") != .model(name: "K", version: nil, .metadata))
    }
}
