import Foundation
import HTTPKernel
import Logging
import Names
import S3Types
import SigV4
import Testing

@testable import InferenceServer

/// `/endpoints/…/invocations`, as clients of SageMaker use it.
@Suite(.timeLimit(.minutes(3))) struct RuntimeTests {
    private static let seconds: Int64 = 1_700_000_000
    private static let secret = Secret("a-secret-of-some-length")
    private let access = RequestAccess(secrets: ["KEY": secret], region: "us-east-1", now: { seconds })

    private func post(
        _ client: PlainClient, _ endpoint: String, _ body: String = "1,2,3", _ fields: [String: String] = [:]
    ) -> PlainClient.Answer? {
        client.send(PlainClient.post(body, fields, path: "/endpoints/\(endpoint)/invocations"))
        return client.receive()
    }

    private func signed(
        _ endpoint: String, _ body: String, secret: Secret = secret, seconds: Int64 = seconds,
        service: String = "sagemaker",
        region: String = "us-east-1", payload: PayloadForm? = nil, path: String? = nil
    ) throws -> [String: String] {
        let signer = RequestSigner(accessKey: "KEY", secret: secret, region: region, service: service)
        let fields = try signer.sign(
            method: "POST", target: path ?? "/endpoints/\(endpoint)/invocations", fields: [("host", "h")],
            payload: payload ?? .digest(sha256(body)), atSeconds: seconds)
        return Dictionary(uniqueKeysWithValues: fields.filter { $0.name != "host" }.map { ($0.name, $0.value) })
    }

    @Test func theEndpointIsTheModelElseTheTargetElseTheDefault() async throws {
        try await ServerHarness.serving(defaultModel: "b") { harness in
            let client = PlainClient(port: harness.port)
            #expect(post(client, "a")?.fields["x-amzn-errortype"] == "ServiceUnavailable")
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            try harness.adopt("b", version: "7", generation: 2, bias: 100)
            try harness.adopt("c", version: "9", generation: 3, bias: 200)
            let named = post(client, "a")
            #expect(named?.status == 200 && named?.body == "6.0\n")
            #expect(named?.fields["x-amzn-invoked-production-variant"] == "AllTraffic")
            #expect(named?.fields["x-lodestore-model-version"] == "1")
            #expect(named?.fields["x-amzn-requestid"]?.count == 36)
            #expect(post(client, "ads")?.body == "106.0\n", "the default model")
            for target in ["c", "c.tar.gz", "/c.tar.gz"] {
                #expect(post(client, "a", "1,2,3", ["X-Amzn-SageMaker-Target-Model": target])?.body == "206.0\n")
            }
            #expect(post(client, "a", "1,2,3", ["X-Amzn-SageMaker-Inference-Component": "b"])?.body == "106.0\n")
            #expect(post(client, "%61")?.body == "6.0\n")
            let unknown = post(client, "a", "1,2,3", ["X-Amzn-SageMaker-Target-Model": "d"])
            #expect(unknown?.status == 400 && unknown?.fields["x-amzn-errortype"] == "ValidationError")
        }
        try await ServerHarness.serving { harness in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            let unknown = post(PlainClient(port: harness.port), "ads")
            #expect(unknown?.status == 400 && unknown?.body.contains("Endpoint ads not found") == true)
        }
    }

    @Test func variantsAttributesAndIdentifiersAreTakenAsDocumented() async throws {
        try await ServerHarness.serving { harness in
            try harness.adopt("a", version: "v3", generation: 1, bias: 0)
            let client = PlainClient(port: harness.port)
            for variant in ["AllTraffic", "v3"] {
                #expect(post(client, "a", "1,2,3", ["X-Amzn-SageMaker-Target-Variant": variant])?.status == 200)
            }
            #expect(post(client, "a", "1,2,3", ["X-Amzn-SageMaker-Target-Variant": "v2"])?.status == 400)
            let attributes = post(
                client, "a", "1,2,3",
                ["X-Amzn-SageMaker-Custom-Attributes": "trace=7; x", "X-Amzn-SageMaker-Inference-Id": "id-1"])
            #expect(attributes?.fields["x-amzn-sagemaker-custom-attributes"] == "trace=7; x")
            let long = String(repeating: "x", count: 1025)
            for (name, value) in [
                ("X-Amzn-SageMaker-Custom-Attributes", long),
                ("X-Amzn-SageMaker-Inference-Id", String(long.prefix(65))),
                ("X-Amzn-SageMaker-Target-Container-Hostname", "other"), ("X-Amzn-SageMaker-Session-Id", "NEW_SESSION"),
            ] {
                let refused = post(client, "a", "1,2,3", [name: value])
                #expect(refused?.status == 400 && refused?.fields["x-amzn-errortype"] == "ValidationError")
            }
        }
    }

    @Test func whatAModelRefusesIsAModelErrorThatQuotesIt() async throws {
        var limits = ServerHarness.limits
        limits.bodyBytes = 1000
        try await ServerHarness.serving(limits: limits) { harness in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            let client = PlainClient(port: harness.port)
            let refused = try #require(post(client, "a", "1,x,3"))
            #expect(refused.status == 424 && refused.fields["x-amzn-errortype"] == "ModelError")
            let body = try #require(
                JSONSerialization.jsonObject(with: Data(refused.body.utf8)) as? [String: Any])
            #expect(body["OriginalStatusCode"] as? Int == 400)
            #expect((body["OriginalMessage"] as? String)?.contains("row 1, column 2") == true)
            #expect(post(client, "a", "1,2,3", ["Content-Type": "image/png"])?.status == 424)
            #expect(post(client, "a", "1,2,3")?.status == 200)
            client.send("GET /endpoints/a/invocations HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(client.receive()?.status == 405)
            let large = post(PlainClient(port: harness.port), "a", String(repeating: "1", count: 2000))
            #expect(large?.status == 424 && large?.fields["x-amzn-errortype"] == "ModelError")
        }
    }

    @Test func aSignatureIsVerifiedWhereKeysAreGiven() async throws {
        var limits = ServerHarness.limits
        limits.loopBytes = 50
        try await ServerHarness.serving(limits: limits, access: access) { harness in
            try harness.adopt("a b", version: "1", generation: 1, bias: 0)
            // One body that a loop reads and one that a worker does.
            for body in ["1,2,3", String(repeating: "1,2,3\n", count: 20)] {
                let client = PlainClient(port: harness.port)
                #expect(post(client, "a%20b", body, try signed("a%20b", body))?.status == 200)
                var withoutHash = try signed("a%20b", body)
                withoutHash["x-amz-content-sha256"] = nil
                let stale = post(client, "a%20b", body, withoutHash)
                #expect(stale?.status == 403, "the field was signed and is gone")
                let unsigned = try signed("a%20b", body, payload: .unsigned)
                #expect(post(client, "a%20b", body, unsigned)?.status == 200)
                for (fields, errorType) in [
                    (try signed("a%20b", body, secret: Secret("another-secret")), "InvalidSignatureException"),
                    (try signed("a%20b", body, seconds: Self.seconds - 1000), "InvalidSignatureException"),
                    (try signed("a%20b", body + "x"), "InvalidSignatureException"),
                    (try signed("other", body), "InvalidSignatureException"),
                    (try signed("a%20b", body, region: "eu-west-1"), "InvalidSignatureException"),
                    (try signed("a%20b", body, service: "s3"), "IncompleteSignatureException"),
                    (["authorization": "Basic x"], "IncompleteSignatureException"),
                    ([:], "MissingAuthenticationTokenException"),
                ] {
                    let refused = post(client, "a%20b", body, fields)
                    #expect([400, 403].contains(refused?.status) && refused?.fields["x-amzn-errortype"] == errorType)
                    #expect(refused?.fields["x-lodestore-model"] == nil)
                }
                // What is served is told to nobody who has not signed.
                let stranger = post(client, "x", body, try signed("x", body, secret: Secret("another-secret")))
                #expect(stranger?.status == 403)
                #expect(post(client, "x", body, try signed("x", body))?.fields["x-amzn-errortype"] == "ValidationError")
            }
            #expect(PlainClient(port: harness.port).predict("1,2,3")?.status == 200, "/invocations asks for none")
        }
    }

    @Test func aGuardedListenerAnswersNoPredictionUnsigned() async throws {
        try await ServerHarness.serving(access: access, listener: InferenceResponder.guardedListener) { harness in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            let client = PlainClient(port: harness.port)
            #expect(client.predict("1,2,3")?.status == 403)
            let fields = try signed("", "1,2,3", path: "/invocations")
            #expect(client.predict("1,2,3", fields)?.body == "6.0\n")
            #expect(client.get("/ping")?.status == 200)
        }
    }

    @Test func aGuardedListenerGuardsTheOpenInferenceProtocolToo() async throws {
        try await ServerHarness.serving(access: access, listener: InferenceResponder.guardedListener) { harness in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            let client = PlainClient(port: harness.port)
            let body = #"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":[1,2,3]}]}"#
            let path = "/v2/models/a/infer"
            client.send(PlainClient.post(body, path: path))
            #expect(client.receive()?.status == 403)
            #expect(client.get("/v2/models/a")?.status == 403)
            client.send(PlainClient.post("", path: "/v2/repository/models/a/unload"))
            #expect(client.receive()?.status == 403)
            client.send(PlainClient.post(body, try signed("", body + " ", path: path), path: path))
            #expect(client.receive()?.status == 403, "signed for another body")
            client.send(PlainClient.post(body, try signed("", body, path: path), path: path))
            #expect(client.receive()?.body.contains(#""data":[6.0]"#) == true)
            #expect(client.get("/v2/health/ready")?.status == 200)
            // A body that a worker verifies and a worker scores.
            let rows = Array(repeating: "1.000000,2.000000,3.000000", count: 5000).joined(separator: ",")
            let large = #"{"inputs":[{"name":"x","datatype":"FP32","shape":[5000,3],"data":[\#(rows)]}]}"#
            client.send(PlainClient.post(large, try signed("", large, path: path), path: path))
            #expect(client.receive()?.body.contains(#""shape":[5000],"data":[6.0,"#) == true)
            client.send(PlainClient.post(large, try signed("", large + " ", path: path), path: path))
            #expect(client.receive()?.status == 403)
            // What was admitted is given back, at the latest when the worker has told its loop.
            while client.get("/metrics")?.body.contains("lodestore_executor_requests_in_flight 0") != true {
                await Task.yield()
            }
        }
    }
}
