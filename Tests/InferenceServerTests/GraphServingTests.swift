import Digests
import Foundation
import Glibc
import Handoff
import ModelFormat
import ModelImage
import ModelTypes
import Names
import OnnxRuntimeKit
import SealedMemory
import Synchronization
import Testing

@testable import InferenceServer

/// A runtime without a library: its graphs add up a row's features, refuse rows that begin with -1 and fail at those with -2.
private final class AddingRuntime: GraphRuntime {
    struct Counts {
        var sessions = 0
        var runThreads: Set<String> = []
        var endThreads: [String] = []
    }

    let counts = Mutex(Counts())

    func session(of bytes: UnsafeRawBufferPointer) throws(GraphRuntimeError) -> any GraphSession {
        guard bytes.elementsEqual("sum of three".utf8) else { throw .refused("no such graph") }
        do throws(GraphInterfaceError) {
            let session = Session(runtime: self, interface: try Self.interface())
            counts.withLock { $0.sessions += 1 }
            return session
        } catch { throw .interface(error) }
    }

    private final class Session: GraphSession {
        let runtime: AddingRuntime
        let interface: GraphInterface

        init(runtime: AddingRuntime, interface: GraphInterface) {
            self.runtime = runtime
            self.interface = interface
        }

        deinit {
            runtime.counts.withLock { counts in
                counts.sessions -= 1
                counts.endThreads.append(threadName())
            }
        }

        func run(_ rows: Span<Float>, rowCount: Int, into outputs: inout MutableSpan<Double>) throws(GraphRunError) {
            runtime.counts.withLock { _ = $0.runThreads.insert(threadName()) }
            for row in 0..<rowCount {
                if rows[row * 3] == -1 { throw .rows("it begins with -1") }
                if rows[row * 3] == -2 { throw .failed("it begins with -2") }
                outputs[row] = Double(rows[row * 3] + rows[row * 3 + 1] + rows[row * 3 + 2])
            }
        }

        func run(_ rows: Span<Double>, rowCount: Int, into outputs: inout MutableSpan<Double>) throws(GraphRunError) {
            let narrow = (0..<rowCount * 3).map { Float(rows[$0]) }
            try run(narrow.span, rowCount: rowCount, into: &outputs)
        }
    }

    static func interface(width: Int = 3) throws(GraphInterfaceError) -> GraphInterface {
        try GraphInterface(
            inputs: [GraphInterface.Port(name: "x", kind: .tensor(element: 1, dimensions: [nil, width]))],
            outputs: [GraphInterface.Port(name: "y", kind: .tensor(element: 1, dimensions: [nil]))])
    }

    static func image(bytes: String = "sum of three", width: Int = 3) throws -> [UInt8] {
        let interface = try interface(width: width)
        let model = ModelDescription(
            predictor: .graph(RuntimeGraph(bytes: Array(bytes.utf8), interface: interface)),
            featureNames: interface.featureNames, transform: .identity, objective: "graph", bestIteration: nil,
            source: ModelSource(format: .onnx, writerVersion: ""))
        return try ImageCompiler.compile(model, artifactDigest: ServerHarness.artifact.bytes)
    }
}

private func threadName() -> String {
    let name = try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
    return name?.trimmingCharacters(in: .newlines) ?? ""
}

/// Models that a library runs, beside those that kernels score.
@Suite(.timeLimit(.minutes(3))) struct GraphServingTests {
    private func adopt(_ harness: ServerHarness, _ image: [UInt8], name: String = "g", generation: UInt64 = 1) throws {
        try harness.registry.adopt(
            try ServerHarness.offer(name, version: "v\(generation)", generation: generation, image: image),
            memory: SealedMemory(copying: image, name: name))
    }

    private func refusal(_ harness: ServerHarness, _ image: [UInt8]) -> ImageRefusal? {
        do { try adopt(harness, image) } catch { return error as? ImageRefusal }
        return nil
    }

    @Test func withoutARuntimeTheOfferIsRefusedWithTheFlagToStartWith() async throws {
        try await ServerHarness.serving { harness in
            let refusal = refusal(harness, try AddingRuntime.image())
            #expect(refusal?.code == .other && refusal?.reason.contains("--onnx-runtime") == true)
            #expect(!harness.registry.isReady)
        }
    }

    @Test func aGraphThatItsRuntimeRefusesIsRefusedInItsWords() async throws {
        try await ServerHarness.serving(runtime: AddingRuntime()) { harness in
            let refusal = refusal(harness, try AddingRuntime.image(bytes: "another"))
            #expect(refusal?.code == .invalidImage)
            #expect(refusal?.reason == "ONNX Runtime refuses the graph: no such graph")
        }
    }

    @Test func anImageThatSaysOtherThanItsGraphIsRefused() async throws {
        try await ServerHarness.serving(runtime: AddingRuntime()) { harness in
            let refusal = refusal(harness, try AddingRuntime.image(width: 4))
            #expect(refusal?.code == .invalidImage && refusal?.reason.contains("other inputs or outputs") == true)
        }
    }

    /// One row or many, by either protocol: workers run graphs, loops never do.
    @Test func onlyWorkersRunGraphs() async throws {
        let runtime = AddingRuntime()
        try await ServerHarness.serving(runtime: runtime) { harness in
            try adopt(harness, try AddingRuntime.image())
            // The row of zeros, here.
            runtime.counts.withLock { $0.runThreads = [] }
            let client = PlainClient(port: harness.port)
            let answer = client.predict("1,2,3")
            #expect(answer?.status == 200 && answer?.body == "6.0\n")
            #expect(answer?.fields["x-lodestore-model-version"] == "v1")
            #expect(client.predict("1,2,3\n4,5,6\n")?.body == "6.0\n15.0\n")
            let body = #"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":[1,2,4]}]}"#
            client.send(PlainClient.post(body, path: "/v2/models/g/infer"))
            #expect(client.receive()?.body.contains("[7.0]") == true)
            let threads = runtime.counts.withLock { $0.runThreads }
            #expect(!threads.isEmpty && threads.allSatisfy { $0.hasPrefix("TP-") }, "\(threads)")
        }
    }

    @Test func rowsThatAGraphDoesNotTakeTouchNoOthers() async throws {
        try await ServerHarness.serving(defaultModel: "g", runtime: AddingRuntime()) { harness in
            try adopt(harness, try AddingRuntime.image())
            let client = PlainClient(port: harness.port)
            let refused = client.predict("-1,0,0")
            #expect(refused?.status == 400 && refused?.body.contains("it begins with -1") == true)
            let failed = client.predict("-2,0,0")
            #expect(failed?.status == 500 && failed?.body.contains("it begins with -2") == true)
            for (first, status) in [("-1", 400), ("-2", 500), ("1", 200)] {
                let body = #"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":[\#(first),0,0]}]}"#
                client.send(PlainClient.post(body, path: "/v2/models/g/infer"))
                #expect(client.receive()?.status == status)
            }
            #expect(client.predict("1,2,3")?.body == "6.0\n")
            let metrics = client.get("/metrics")?.body ?? ""
            #expect(metrics.contains(#"lodestore_executor_requests_total{outcome="failed"} 2"#))
            #expect(metrics.contains(#"lodestore_executor_requests_total{outcome="rows"} 2"#))
        }
    }

    @Test func aSessionEndsWithItsGenerationOnTheReapersThread() async throws {
        let runtime = AddingRuntime()
        try await ServerHarness.serving(runtime: runtime) { harness in
            try adopt(harness, try AddingRuntime.image(), generation: 1)
            try adopt(harness, try AddingRuntime.image(), generation: 2)
            #expect(PlainClient(port: harness.port).predict("1,2,3")?.fields["x-lodestore-model-version"] == "v2")
            harness.registry.retire(model: "g")
            let end = ContinuousClock.now.advanced(by: .seconds(20))
            while harness.releasedGenerations.count < 2, ContinuousClock.now < end { usleep(1000) }
            #expect(harness.releasedGenerations.sorted() == [1, 2])
        }
        let counts = runtime.counts.withLock { $0 }
        #expect(counts.sessions == 0 && counts.endThreads.count == 2)
        #expect(counts.endThreads.allSatisfy { $0 == "model-reaper" }, "\(counts.endThreads)")
    }
}

private let libraryPath = ProcessInfo.processInfo.environment["LODESTORE_ONNX_RUNTIME"]

/// With the library itself.
@Suite(
    .enabled(if: libraryPath != nil, "LODESTORE_ONNX_RUNTIME is not set: it is the path of libonnxruntime.so"),
    .timeLimit(.minutes(3))) struct LibraryServingTests
{
    @Test(arguments: ["convolution", "attention", "two-towers", "recurrent", "doubles"])
    func graphsAnswerOverHTTP(name: String) async throws {
        let folder = (#filePath as NSString).deletingLastPathComponent + "/../../Data/Vectors/Graphs/\(name)/"
        let file = Array(try Data(contentsOf: URL(fileURLWithPath: folder + "model.onnx")))
        let lines = try String(contentsOfFile: folder + "golden.csv", encoding: .utf8).split(separator: "\n")
        let width = try #require(lines[0].split(separator: ",").firstIndex(of: "prediction"))
        let fields = lines.dropFirst().map { $0.split(separator: ",") }
        let body = fields.map { $0[..<width].joined(separator: ",") }.joined(separator: "\n")
        let expected = fields.flatMap { $0[width...].compactMap { Double($0) } }
        let model = try ModelParser.parse(file.span, allowsRuntime: true)
        let image = try ImageCompiler.compile(model, artifactDigest: ServerHarness.artifact.bytes)
        try await ServerHarness.serving(runtime: try OnnxRuntime(path: try #require(libraryPath))) { harness in
            try harness.registry.adopt(
                try ServerHarness.offer("g", version: "1", generation: 1, image: image),
                memory: SealedMemory(copying: image, name: "g"))
            let answer = PlainClient(port: harness.port).predict(body)
            try #require(answer?.status == 200, "\(answer?.body ?? "")")
            let text = answer?.body.replacingOccurrences(of: "\n", with: ",") ?? ""
            let found = text.split(separator: ",").compactMap { Double($0) }
            try #require(found.count == expected.count)
            #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-5 * max(1, abs($1)) })
        }
    }
}
