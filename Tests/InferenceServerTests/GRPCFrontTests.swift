import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import HTTPKernel
import InferenceWire
import Logging
import NIOCore
import NIOPosix
import Names
import Protobuf
import Testing

@testable import InferenceServer

@Suite(.timeLimit(.minutes(3))) struct GRPCFrontTests {
    private typealias Client = GRPCClient<HTTP2ClientTransport.Posix>

    private static let identity = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Data/Vectors/tls").standardizedFileURL

    private func serving(
        limits: InferenceLimits = InferenceLimits(), tls: TLSIdentity? = nil, workerCount: Int = 2,
        log: (sample: Int, Logger)? = nil,
        _ body: (ServerHarness, GRPCFront, Client) async throws -> Void
    ) async throws {
        let harness = try await ServerHarness(limits: limits, workerCount: workerCount, log: log)
        let registry = harness.registry
        let services = harness.services
        let loops = try await ServingLoops(harness.group) { loop in
            OpenInferenceLoop(registry: registry, loop: loop, services: services, limits: limits)
        }
        let front = try await GRPCFront(
            .tcp(host: "127.0.0.1", port: 0, tls: tls), group: harness.group, limits: GRPCLimits(limits),
            serving: loops, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let outcome = await withTaskGroup(of: Result<Void, any Error>.self) { tasks in
            tasks.addTask { await result { try await front.serve() } }
            let outcome = await result {
                let port = try #require(try await front.address.port)
                let transport =
                    tls == nil
                    ? try HTTP2ClientTransport.Posix(
                        target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: .plaintext,
                        eventLoopGroup: harness.group)
                    : try Self.transport(trusting: "first", port: port, harness)
                try await withGRPCClient(transport: transport) { client in try await body(harness, front, client) }
            }
            front.beginDraining()
            if let end = await tasks.next(), case .failure = end { return end }
            return outcome
        }
        try await harness.stop()
        try outcome.get()
    }

    /// Connections over TLS to a server that has this certificate.
    private static func transport(
        trusting name: String, port: Int, _ harness: ServerHarness
    ) throws -> HTTP2ClientTransport.Posix {
        let certificate = identity.appending(path: "\(name).certificate.pem").path()
        return try HTTP2ClientTransport.Posix(
            target: .dns(host: "localhost", port: port),
            transportSecurity: .tls(
                .defaults { $0.trustRoots = .certificates([.file(path: certificate, format: .pem)]) }),
            eventLoopGroup: harness.group)
    }

    private func call(
        _ client: Client, _ method: String, _ message: [UInt8] = [], service: String = InferenceRPCs.service,
        metadata: Metadata = [:], timeout: Duration? = nil
    ) async throws -> [UInt8] {
        var options = CallOptions.defaults
        options.timeout = timeout
        return try await client.unary(
            request: ClientRequest(message: ByteBuffer(bytes: message), metadata: metadata),
            descriptor: MethodDescriptor(fullyQualifiedService: service, method: method), serializer: MessageBytes(),
            deserializer: MessageBytes(), options: options
        ) { Array(try $0.message.readableBytesView) }
    }

    private func refusal(
        _ client: Client, _ method: String, _ message: [UInt8] = [], service: String = InferenceRPCs.service,
        metadata: Metadata = [:]
    ) async -> RPCError? {
        do {
            _ = try await call(client, method, message, service: service, metadata: metadata)
            return nil
        } catch {
            return error as? RPCError
        }
    }

    private static func inference(_ rows: [[Float]], model: String = "a", version: String = "", id: String = "")
        -> [UInt8]
    {
        var writer = ProtobufWriter()
        writer.string(1, model)
        writer.string(2, version)
        writer.string(3, id)
        writer.message(5) { input in
            input.string(1, "x")
            input.string(2, "FP32")
            input.packed(3, [Int64(rows.count), Int64(rows[0].count)])
            input.message(5) { $0.packed(6, Array(rows.joined())) }
        }
        return writer.bytes
    }

    private static func named(_ name: String, field: Int = 1) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.string(field, name)
        return writer.bytes
    }

    /// The FP32 numbers of a `ModelInferResponse` in typed contents.
    private func predictions(_ message: [UInt8]) throws -> [Float] {
        var values: [Float] = []
        try message.withUnsafeBytes { bytes in
            var reader = ProtobufReader(bytes)
            while try reader.next() {
                guard reader.field == 5 else {
                    try reader.skip()
                    continue
                }
                var output = try reader.message()
                while try output.next() {
                    guard output.field == 5 else {
                        try output.skip()
                        continue
                    }
                    var contents = try output.message()
                    while try contents.next() { try contents.eachFloat { values.append($0) } }
                }
            }
        }
        return values
    }

    @Test(arguments: [false, true])
    func callsAreAnswered(isTLS: Bool) async throws {
        let tls =
            isTLS
            ? try TLSIdentity(
                certificatePath: Self.identity.appending(path: "first.certificate.pem").path(),
                keyPath: Self.identity.appending(path: "first.key.pem").path()) : nil
        try await serving(tls: tls) { harness, _, client in
            #expect(try await call(client, "ServerLive") == [8, 1])
            #expect(try await call(client, "ServerReady") == [])
            #expect(try await call(client, "Check", service: "grpc.health.v1.Health") == [8, 2])
            #expect(await refusal(client, "ModelInfer", Self.inference([[1, 2, 3]]))?.code == .unavailable)
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            #expect(try await call(client, "ServerReady") == [8, 1])
            #expect(try await call(client, "Check", service: "grpc.health.v1.Health") == [8, 1])
            #expect(try await call(client, "ModelReady", Self.named("a")) == [8, 1])
            #expect(try await call(client, "ModelReady", Self.named("b")) == [])
            for _ in 0..<5 {
                let answer = try await call(
                    client, "ModelInfer", Self.inference([[1, 2, 3], [4, 5, 6]], version: "1"))
                #expect(try predictions(answer) == [6, 15])
            }
        }
    }

    /// As SIGHUP has the files read again: open connections go on, new ones get the new certificate, and files that do not
    /// belong together change nothing.
    @Test func aCertificateThatWasReadAgainIsThatOfNewConnections() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "lodestore-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func put(_ name: String, _ file: String) throws {
            let target = folder.appending(path: file)
            try? FileManager.default.removeItem(at: target)
            try FileManager.default.copyItem(at: Self.identity.appending(path: "\(name).\(file)"), to: target)
        }
        try put("first", "certificate.pem")
        try put("first", "key.pem")
        let tls = try TLSIdentity(
            certificatePath: folder.appending(path: "certificate.pem").path(),
            keyPath: folder.appending(path: "key.pem").path())
        try await serving(tls: tls) { harness, front, client in
            let port = try #require(try await front.address.port)
            func ask(trusting name: String) async throws -> [UInt8] {
                try await withGRPCClient(transport: Self.transport(trusting: name, port: port, harness)) { client in
                    try await call(client, "ServerLive", timeout: .seconds(2))
                }
            }
            #expect(try await call(client, "ServerLive") == [8, 1])
            await #expect(throws: RPCError.self) { try await ask(trusting: "second") }
            try put("second", "certificate.pem")
            #expect(throws: HTTPServerError.self) { try tls.reload() }
            #expect(try await ask(trusting: "first") == [8, 1])
            try put("second", "key.pem")
            try tls.reload()
            #expect(try await ask(trusting: "second") == [8, 1])
            await #expect(throws: RPCError.self) { try await ask(trusting: "first") }
            #expect(try await call(client, "ServerLive") == [8, 1])
        }
    }

    @Test func refusalsHaveTheirCode() async throws {
        var limits = InferenceLimits()
        limits.rowCount = 2
        limits.bodyBytes = 4000
        try await serving(limits: limits) { harness, _, client in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            let wide = await refusal(client, "ModelInfer", Self.inference([[1, 2]]))
            #expect(wide?.code == .invalidArgument && wide?.message.hasPrefix("inputs[0].shape: [1, 2]") == true)
            #expect(await refusal(client, "ModelInfer", [0xFF])?.code == .invalidArgument)
            #expect(await refusal(client, "ModelInfer", Self.inference([[1, 2, 3]], model: "b"))?.code == .notFound)
            #expect(await refusal(client, "ModelInfer", Self.inference([[1, 2, 3]], version: "2"))?.code == .notFound)
            let many = await refusal(client, "ModelInfer", Self.inference([[1, 2, 3], [1, 2, 3], [1, 2, 3]]))
            #expect(many?.code == .resourceExhausted)
            let large = await refusal(client, "ModelInfer", [UInt8](repeating: 0, count: 5000))
            #expect(large?.code == .resourceExhausted)
            #expect(await refusal(client, "ModelMetadata", Self.named("b"))?.code == .notFound)
            #expect(await refusal(client, "RepositoryModelLoad", Self.named("b", field: 2))?.code == .notFound)
            #expect(await refusal(client, "LogSettings")?.code == .unimplemented)
            #expect(
                await refusal(client, "Check", Self.named("x"), service: "grpc.health.v1.Health")?.code == .notFound)
            #expect(try predictions(try await call(client, "ModelInfer", Self.inference([[1, 2, 3]]))) == [6])
        }
    }

    /// Whatever its size a message is refused in words, as soon as its length is known; its neighbours on the connection are answered.
    @Test func messagesAreRefusedAtAnySize() async throws {
        var limits = ServerHarness.limits
        limits.bodyBytes = 1 << 20
        limits.pendingBytes = 4 << 20
        try await serving(limits: limits) { harness, _, client in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            let sizes = [(1 << 20) + 1, 3 << 20, 40 << 20]
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                for _ in 0..<20 {
                    tasks.addTask {
                        let answer = try await call(client, "ModelInfer", Self.inference([[1, 2, 3]]))
                        #expect(try predictions(answer) == [6])
                    }
                }
                for size in sizes {
                    tasks.addTask {
                        let large = await refusal(client, "ModelInfer", [UInt8](repeating: 0, count: size))
                        #expect(large?.code == .resourceExhausted)
                        #expect(large?.message == "a message of \(size) bytes; 1048576 are allowed")
                    }
                }
                try await tasks.waitForAll()
            }
            #expect(value(harness, #"lodestore_executor_requests_total{outcome="size"}"#) == "3")
            #expect(value(harness, "lodestore_executor_pending_bytes") == "0")
            #expect(value(harness, "lodestore_executor_requests_in_flight") == "0")
        }
    }

    /// A caller whose time is over takes the call back, and the message may be on its way still.
    @Test func aCallThatIsTakenBackAtItsDeadlineIsCounted() async throws {
        try await serving { harness, _, client in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            struct TimeIsOver: Error {}
            _ = try? await client.clientStreaming(
                request: StreamingClientRequest(metadata: ["grpc-timeout": "1n"]) { _ in throw TimeIsOver() },
                descriptor: MethodDescriptor(fullyQualifiedService: InferenceRPCs.service, method: "ModelInfer"),
                serializer: MessageBytes(), deserializer: MessageBytes(), options: .defaults
            ) { try $0.message }
            while value(harness, #"lodestore_executor_requests_total{outcome="deadline"}"#) != "1" {
                await Task.yield()
            }
            // Once, and as nothing else.
            #expect(value(harness, #"lodestore_executor_requests_total{outcome="answered"}"#) == "0")
            #expect(value(harness, "lodestore_executor_pending_bytes") == "0")
        }
    }

    /// A client of gRPC drops a status beyond 8 KiB and shows another in its place.
    @Test func aRefusalNamesAFewModels() async throws {
        try await serving { harness, _, client in
            let long = String(repeating: "\u{e9}", count: 120)
            for number in 10..<60 {
                try harness.adopt("\(number)\(long)", version: "1", generation: UInt64(number), bias: 0)
            }
            let unknown = await refusal(client, "ModelMetadata", Self.named("b\(long)\(long)"))
            let shown = String(repeating: "\u{e9}", count: 49)
            let names = (10..<20).map { "\($0)\(shown)" }.joined(separator: ", ")
            let asked = "b" + String(repeating: "\u{e9}", count: 99)
            #expect(unknown?.code == .notFound)
            #expect(unknown?.message == "no model \"\(asked)\" is live; live are \(names) and 40 more")
            let over = PlainClient(port: harness.port).predict("1,2,3", ["X-Amzn-SageMaker-Target-Model": "c"])
            #expect(over?.status == 404 && over?.body.contains("live are \(names) and 40 more") == true)
            let unnamed = PlainClient(port: harness.port).predict("1,2,3", ["Content-Type": "text/csv"])
            #expect(unnamed?.status == 400 && unnamed?.body.contains("live are \(names) and 40 more") == true)
        }
    }

    /// A number of the metrics page.
    private func value(_ harness: ServerHarness, _ name: String) -> String? {
        let lines = PlainClient(port: harness.port).get("/metrics")?.body.split(separator: "\n") ?? []
        return lines.first { $0.hasPrefix(name + " ") }.map { String($0.dropFirst(name.count + 1)) }
    }

    @Test func largeCallsGoToAWorkerAndAreCounted() async throws {
        var limits = InferenceLimits()
        limits.loopWork = 10
        limits.loopBytes = 2000
        try await serving(limits: limits) { harness, _, client in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            for count in [1, 50, 500] {
                let rows = (0..<count).map { [Float($0), 0, 0] }
                let answer = try await call(client, "ModelInfer", Self.inference(rows))
                #expect(try predictions(answer) == (0..<count).map { Float($0) })
            }
            // What a worker answered is counted on the loop right after the answer has left.
            var counted: UInt64 = 0
            while counted < 551 { counted = try await rowsCounted(client) }
            #expect(counted == 551)
            harness.registry.retire(model: "a")
            while harness.releasedGenerations != [1] { await Task.yield() }
        }
    }

    /// The field is set by hand, so that the refusal is the server's and not the client's own.
    @Test func aCallPastItsDeadlineIsNotScored() async throws {
        var limits = ServerHarness.limits
        limits.loopWork = 10
        try await serving(limits: limits, workerCount: 1) { harness, _, client in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            let row = Self.inference([[1, 2, 3]])
            for timeout in ["60S", "99999999H", "5M", "60000m", "60000000u"] {
                let answer = try await call(client, "ModelInfer", row, metadata: ["grpc-timeout": "\(timeout)"])
                #expect(try predictions(answer) == [6])
            }
            let late = await refusal(client, "ModelInfer", row, metadata: ["grpc-timeout": "1n"])
            #expect(late?.code == .deadlineExceeded && late?.message == Refusal.lateReason)
            for timeout in ["", "S", "5", "5s", "-5S", "123456789n"] {
                let unclear = await refusal(client, "ModelInfer", row, metadata: ["grpc-timeout": "\(timeout)"])
                #expect(unclear?.code == .invalidArgument)
            }
            #expect(value(harness, #"lodestore_executor_requests_total{outcome="field"}"#) == "6")
            let gate = DispatchSemaphore(value: 0)
            harness.workers.submit { _ in gate.wait() }
            let rows = Self.inference((0..<50).map { [Float($0), 0, 0] })
            async let waiting = refusal(client, "ModelInfer", rows, metadata: ["grpc-timeout": "500m"])
            // Where the machine is so slow that the loop finds it late, no worker gets it.
            let lateCount = #"lodestore_executor_requests_total{outcome="deadline"}"#
            while value(harness, "lodestore_executor_requests_in_flight") != "1", value(harness, lateCount) == "1" {
                await Task.yield()
            }
            let passed = Inquiry.now() + 500_000_000
            while Inquiry.now() < passed { await Task.yield() }
            gate.signal()
            let refused = await waiting
            #expect(refused?.code == .deadlineExceeded && refused?.message == Refusal.lateReason)
            #expect(value(harness, lateCount) == "2")
            #expect(value(harness, #"lodestore_executor_rows_total{model="a",version="1"}"#) == "5")
        }
    }

    private func rowsCounted(_ client: Client) async throws -> UInt64 {
        var count: UInt64 = 0
        let answer = try await call(client, "ModelStatistics", Self.named("a"))
        try answer.withUnsafeBytes { bytes in
            var reader = ProtobufReader(bytes)
            while try reader.next() {
                var model = try reader.message()
                while try model.next() {
                    if model.field == 4 { count = try model.unsigned() } else { try model.skip() }
                }
            }
        }
        return count
    }

    @Test func aStreamGoesOnAfterARefusal() async throws {
        try await serving { harness, _, client in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            let requests = [Self.inference([[1, 2, 3]]), Self.inference([[1, 2]]), Self.inference([[4, 5, 6]])]
            let fields = try await client.bidirectionalStreaming(
                request: StreamingClientRequest { writer in
                    for message in requests { try await writer.write(ByteBuffer(bytes: message)) }
                },
                descriptor: MethodDescriptor(fullyQualifiedService: InferenceRPCs.service, method: "ModelStreamInfer"),
                serializer: MessageBytes(), deserializer: MessageBytes(), options: .defaults
            ) { response in
                // Field 1 has an error's text, field 2 an answer.
                var fields: [UInt8] = []
                for try await message in response.messages {
                    fields.append((message.readableBytesView.first ?? 0) >> 3)
                }
                return fields
            }
            #expect(fields == [2, 1, 2])
        }
    }

    @Test func callsHaveLinesInTheLog() async throws {
        let records = Records()
        var logger = Logger(label: "test") { _ in records.handler }
        logger.logLevel = .info
        var limits = ServerHarness.limits
        limits.loopWork = 10
        limits.loopBytes = 2000
        limits.bodyBytes = 10_000
        try await serving(limits: limits, log: (1, logger)) { harness, _, client in
            try harness.adopt("a", version: "7", generation: 1, bias: 0)
            func line() async -> [String: String] {
                while records.all.isEmpty { await Task.yield() }
                return records.take()
            }
            // The loop's own answer, then those of workers: for their work, and for their bytes.
            for rowCount in [1, 50, 500] {
                let message = Self.inference(Array(repeating: [1, 0, 0], count: rowCount))
                let answer = try await call(client, "ModelInfer", message)
                let line = await line()
                #expect(line["http.method"] == "POST" && line["http.path"] == "/\(InferenceRPCs.service)/ModelInfer")
                #expect(line["grpc.status"] == "0" && line["http.status"] == nil)
                #expect(line["model.name"] == "a" && line["model.version"] == "7")
                #expect(line["request.rows"] == "\(rowCount)" && line["http.received.bytes"] == "\(message.count)")
                #expect(line["http.sent.bytes"] == "\(answer.count)")
                #expect(line["duration.ms"].flatMap { Double($0) } ?? 0 > 0)
            }
            let refusals: [(message: [UInt8], metadata: Metadata, status: Int, model: String?)] = [
                (Self.inference([[1, 2]]), [:], 3, "a"), (Self.inference([[1, 2, 3]], model: "b"), [:], 5, nil),
                ([0xFF], [:], 3, nil),
                (Self.inference([[1, 2, 3]]), ["grpc-timeout": "1n"], 4, "a"),
                (Self.inference([[1, 2, 3]]), ["grpc-timeout": "soon"], 3, nil),
            ]
            for refused in refusals {
                let error = await refusal(client, "ModelInfer", refused.message, metadata: refused.metadata)
                let line = await line()
                #expect(error?.code.rawValue == refused.status)
                #expect(line["grpc.status"] == "\(refused.status)" && line["model.name"] == refused.model)
                #expect(line["http.sent.bytes"] == "0" && line["http.received.bytes"] == "\(refused.message.count)")
            }
            // Refused at its announcement.
            let tooLarge = [UInt8](repeating: 0, count: 11_000)
            #expect(await refusal(client, "ModelInfer", tooLarge)?.code == .resourceExhausted)
            let large = await line()
            #expect(large["grpc.status"] == "8" && large["http.received.bytes"] == "0")
            #expect(large["http.path"] == "/\(InferenceRPCs.service)/ModelInfer")
            _ = try await call(client, "ModelMetadata", Self.named("a"))
            #expect(await line()["http.path"] == "/\(InferenceRPCs.service)/ModelMetadata")
            #expect(await refusal(client, "ModelMetadata", Self.named("b"))?.code == .notFound)
            #expect(await line()["grpc.status"] == "5")
            _ = try await call(client, "RepositoryModelUnload", Self.named("a", field: 2))
            #expect(await line()["http.path"] == "/\(InferenceRPCs.service)/RepositoryModelUnload")
            _ = try await call(client, "Check", service: "grpc.health.v1.Health")
            #expect(await line()["http.path"] == "/grpc.health.v1.Health/Check")
            #expect(records.all.isEmpty)
        }
    }

    @Test func oneMessageOfAStreamInSoManyIsLogged() async throws {
        let records = Records()
        var logger = Logger(label: "test") { _ in records.handler }
        logger.logLevel = .info
        try await serving(log: (2, logger)) { harness, _, client in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            let count = try await client.bidirectionalStreaming(
                request: StreamingClientRequest { writer in
                    for _ in 0..<8 { try await writer.write(ByteBuffer(bytes: Self.inference([[1, 2, 3]]))) }
                },
                descriptor: MethodDescriptor(fullyQualifiedService: InferenceRPCs.service, method: "ModelStreamInfer"),
                serializer: MessageBytes(), deserializer: MessageBytes(), options: .defaults
            ) { response in try await response.messages.reduce(0) { count, _ in count + 1 } }
            #expect(count == 8)
            // Two loops in turn, and each has a line for every other one of its own.
            while records.all.count < 4 { await Task.yield() }
            #expect(records.all.count == 4)
            #expect(records.all.allSatisfy { $0["http.path"]?.hasSuffix("/ModelStreamInfer") == true })
        }
    }

    @Test func aDrainAnswersNothingNewAndEnds() async throws {
        try await serving { harness, front, client in
            try harness.adopt("a", version: "1", generation: 1, bias: 0)
            #expect(try predictions(try await call(client, "ModelInfer", Self.inference([[1, 2, 3]]))) == [6])
            front.beginDraining()
        }
    }
}

/// What a step came to.
private func result(_ step: () async throws -> Void) async -> Result<Void, any Error> {
    do {
        try await step()
        return .success(())
    } catch {
        return .failure(error)
    }
}
