import Foundation
import Handoff
import ModelImage
import Names
import SealedMemory
import Synchronization
import Testing
import Threads

@testable import InferenceServer

@Suite(.timeLimit(.minutes(3))) struct InferenceResponderTests {
    @Test func healthFollowsTheModels() async throws {
        try await ServerHarness.serving { harness in
            let client = PlainClient(port: harness.port)
            #expect(client.get("/v2/health/live")?.status == 200)
            #expect(client.get("/ping")?.status == 503)
            #expect(client.predict("1,2,3")?.status == 503)
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            #expect(client.get("/ping")?.status == 200)
            #expect(client.get("/v2/health/ready")?.status == 200)
            harness.registry.beginDraining()
            #expect(client.get("/ping")?.status == 503)
            #expect(client.get("/v2/health/live")?.status == 200)
            #expect(client.predict("1,2,3")?.status == 200, "what still comes is answered")
        }
    }

    @Test func theModelIsTheOneNamedElseTheDefaultElseTheOnlyOne() async throws {
        try await ServerHarness.serving { harness in
            let client = PlainClient(port: harness.port)
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            #expect(client.predict("1,2,3")?.body == "6.0\n")
            try harness.adopt("b", version: "7", generation: 2, bias: 100)
            let ambiguous = client.predict("1,2,3")
            #expect(ambiguous?.status == 400 && ambiguous?.body.contains("live are a, b") == true)
            let named = client.predict("1,2,3", ["X-Amzn-SageMaker-Target-Model": "b"])
            #expect(named?.body == "106.0\n")
            #expect(named?.fields["x-lodestore-model"] == "b" && named?.fields["x-lodestore-model-version"] == "7")
            let unknown = client.predict("1,2,3", ["X-Amzn-SageMaker-Target-Model": "c"])
            #expect(unknown?.status == 404 && unknown?.body.contains("live are a, b") == true)
            harness.registry.retire(model: "a")
            #expect(client.predict("1,2,3")?.body == "106.0\n")
        }
        try await ServerHarness.serving(defaultModel: "b") { harness in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            try harness.adopt("b", version: "1", generation: 2, bias: 100)
            #expect(PlainClient(port: harness.port).predict("1,2,3")?.body == "106.0\n")
        }
    }

    @Test func aTargetThatNamesItsHostIsServedAndACodedBodyIsNot() async throws {
        try await ServerHarness.serving { harness in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            let client = PlainClient(port: harness.port)
            #expect(client.get("http://models.example/ping")?.status == 200)
            client.send(PlainClient.post("1,2,3", path: "http://models.example:8080/invocations"))
            #expect(client.receive()?.body == "6.0\n")
            #expect(client.get("http://models.example/v2/models/a/ready")?.status == 200)
            let coded = client.predict("1,2,3", ["Content-Encoding": "gzip"])
            #expect(coded?.status == 415 && coded?.body.contains("Content-Encoding: gzip") == true)
            #expect(client.predict("1,2,3", ["Content-Encoding": "Identity"])?.body == "6.0\n")
        }
    }

    @Test func formatsGoInAndOut() async throws {
        try await ServerHarness.serving { harness in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            let client = PlainClient(port: harness.port)
            let json = client.predict("[[1,2,3],[4,5,6]]", ["Content-Type": "application/json"])
            #expect(
                json?.body == #"{"predictions": [6.0, 15.0]}"# && json?.fields["content-type"] == "application/json")
            #expect(
                client.predict("1,2,3", ["Content-Type": "text/csv", "Accept": "application/json"])?.body
                    == #"{"predictions": [6.0]}"#)
            #expect(client.predict("1,2,3", ["Content-Type": "image/png"])?.status == 415)
            #expect(client.predict("1,2,3", ["Accept": "image/png"])?.status == 406)
            #expect(client.get("/invocations")?.status == 405)
            #expect(client.get("/else")?.status == 404)
        }
    }

    @Test func aBadRequestTouchesNoNeighbourInThePipeline() async throws {
        try await ServerHarness.serving { harness in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            let client = PlainClient(port: harness.port)
            let good = PlainClient.post("1,2,3", ["Content-Type": "text/csv"])
            client.send(good + PlainClient.post("1,x,3") + good + PlainClient.post("1,2") + good)
            let answers = (0..<5).map { _ in client.receive() }
            #expect(answers.map { $0?.status } == [200, 400, 200, 400, 200])
            #expect(answers[1]?.body.contains("row 1, column 2") == true)
            #expect(answers[1]?.fields["x-lodestore-model-version"] == "1")
            #expect([0, 2, 4].allSatisfy { answers[$0]?.body == "6.0\n" })
        }
    }

    @Test func bodiesAndRowsAreLimited() async throws {
        var limits = ServerHarness.limits
        limits.bodyBytes = 1000
        limits.rowCount = 3
        try await ServerHarness.serving(limits: limits) { harness in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            let client = PlainClient(port: harness.port)
            #expect(client.predict("1,2,3\n1,2,3\n1,2,3\n1,2,3")?.status == 413)
            #expect(client.predict("1,2,3")?.status == 200)
            #expect(PlainClient(port: harness.port).predict(String(repeating: "1,2,3\n", count: 1000))?.status == 413)
        }
    }

    @Test func largeBatchesAreScoredElsewhereAndInOrder() async throws {
        var limits = ServerHarness.limits
        limits.loopWork = 10
        try await ServerHarness.serving(limits: limits) { harness in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            let client = PlainClient(port: harness.port)
            let large = (0..<500).map { "\($0),0,0" }.joined(separator: "\n")
            client.send(PlainClient.post(large) + PlainClient.post("1,2,3") + PlainClient.post(large))
            let expected = (0..<500).map { "\(Double($0))\n" }.joined()
            #expect(client.receive()?.body == expected)
            #expect(client.receive()?.body == "6.0\n")
            #expect(client.receive()?.body == expected)
        }
    }

    @Test func largeBodiesAreReadElsewhereAndFailAsPrecisely() async throws {
        var limits = ServerHarness.limits
        limits.loopBytes = 100
        limits.rowCount = 1000
        try await ServerHarness.serving(limits: limits) { harness in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            let client = PlainClient(port: harness.port)
            let rows = (0..<500).map { "\($0),0,0" }
            client.send(PlainClient.post(rows.joined(separator: "\n")) + PlainClient.post("1,2,3"))
            #expect(client.receive()?.body == (0..<500).map { "\(Double($0))\n" }.joined())
            #expect(client.receive()?.body == "6.0\n")
            let broken = client.predict((rows + ["1,x,3"]).joined(separator: "\n"))
            #expect(broken?.status == 400)
            #expect(broken?.fields["x-lodestore-model-version"] == "1")
            #expect(client.predict((rows + rows + rows).joined(separator: "\n"))?.status == 413)
            #expect(client.predict("1,2,3")?.status == 200)
        }
    }

    @Test func swapsUnderLoadFailNothingMixNothingAndReleaseEveryImage() async throws {
        var limits = ServerHarness.limits
        limits.loopWork = 30
        try await ServerHarness.serving(limits: limits) { harness in
            try harness.adopt("a", version: "0", generation: 1, bias: 0)
            let isOver = Atomic(false)
            let answered = Atomic(0)
            let faults = Mutex<[String]>([])
            // Small requests stay on the loops, every fourth goes to a worker and holds its generation there.
            let threads = (0..<4).map { number in
                WorkerThread(name: "load-\(number)") {
                    let client = PlainClient(port: harness.port)
                    var turn = 0
                    while !isOver.load(ordering: .relaxed) {
                        turn += 1
                        let rows = turn % 4 == 0 ? 50 : 2
                        let answer = client.predict(Array(repeating: "1,2,3", count: rows).joined(separator: "\n"))
                        let version = answer?.fields["x-lodestore-model-version"].flatMap { Double($0) } ?? -1
                        let expected = String(repeating: "\(version + 6)\n", count: rows)
                        if answer?.status == 200 && answer?.body == expected {
                            answered.add(1, ordering: .relaxed)
                        } else {
                            faults.withLock { $0.append("\(String(describing: answer))") }
                        }
                    }
                }
            }
            for swap in 1...200 {
                try harness.adopt("a", version: "\(swap)", generation: UInt64(swap + 1), bias: Double(swap))
            }
            while answered.load(ordering: .relaxed) < 400 { await Task.yield() }
            isOver.store(true, ordering: .relaxed)
            for thread in threads { thread.join() }
            #expect(faults.withLock { $0 } == [])
            harness.registry.retire(model: "a")
            while harness.releasedGenerations.count < 201 { await Task.yield() }
            #expect(harness.releasedGenerations.sorted() == Array(1...201).map(UInt64.init))
        }
    }

    @Test func anImageThatDoesNotValidateChangesNothing() async throws {
        try await ServerHarness.serving { harness in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            var image = try ServerHarness.image(bias: 5)
            image[image.count / 2] ^= 0xFF
            image[8] ^= 0xFF
            let offer = try ServerHarness.offer("a", version: "2", generation: 2, image: image)
            #expect(throws: ImageRefusal.self) {
                try harness.registry.adopt(offer, memory: SealedMemory(copying: image, name: "broken"))
            }
            #expect(PlainClient(port: harness.port).predict("1,2,3")?.fields["x-lodestore-model-version"] == "1")
        }
    }
}
