import Digests
import Foundation
import Glibc
import HTTPKernel
import Handoff
import Logging
import ModelImage
import ModelTypes
import NIOCore
import NIOPosix
import Names
import SealedMemory
import Synchronization

@testable import InferenceServer

/// A serving executor without its program: loops, workers, a registry, and a socket on a free port.
final class ServerHarness: Sendable {
    let group: MultiThreadedEventLoopGroup
    let workers: NIOThreadPool
    private let aside: NIOThreadPool
    let services: InferenceServices
    let registry: ModelRegistry
    let server: HTTPServer
    let port: UInt16
    private let released = Mutex<[UInt64]>([])

    /// Those of the programs, but a request may wait for its loop and for a worker as long as a busy machine makes it.
    static var limits: InferenceLimits {
        var limits = InferenceLimits()
        limits.queueNanoseconds = .max
        limits.loopWaitNanoseconds = .max
        return limits
    }

    init(
        loops: Int = 2, defaultModel: String? = nil, limits: InferenceLimits = ServerHarness.limits,
        access: RequestAccess? = nil, listener: String = "http", workerCount: Int = 2,
        log: (sample: Int, Logger)? = nil, runtime: (any GraphRuntime)? = nil
    ) async throws {
        group = MultiThreadedEventLoopGroup(numberOfThreads: loops)
        workers = NIOThreadPool(numberOfThreads: workerCount)
        workers.start()
        aside = NIOThreadPool(numberOfThreads: 1)
        aside.start()
        let registry = ModelRegistry(groups: [group], limits: limits, runtime: runtime)
        self.registry = registry
        let services = InferenceServices(
            workers: workers, aside: aside, access: access,
            log: log.map { [aside] in AccessLog(sample: $0.sample, logger: $0.1, thread: aside) })
        self.services = services
        server = try await HTTPServer.start(
            [.tcp(host: "127.0.0.1", port: 0, label: listener)], group: group,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { loop in
            InferenceResponder(
                registry: registry, loop: loop, services: services, defaultModel: defaultModel, limits: limits)
        }
        port = UInt16(server.addresses[0].port!)
        registry.onRelease { [self] generation in released.withLock { $0.append(generation) } }
    }

    /// Serves for as long as the body runs.
    static func serving<Value>(
        loops: Int = 2, defaultModel: String? = nil, limits: InferenceLimits = ServerHarness.limits,
        access: RequestAccess? = nil, listener: String = "http", workerCount: Int = 2,
        log: (sample: Int, Logger)? = nil, runtime: (any GraphRuntime)? = nil,
        _ body: (ServerHarness) async throws -> Value
    ) async throws -> Value {
        let harness = try await ServerHarness(
            loops: loops, defaultModel: defaultModel, limits: limits, access: access, listener: listener,
            workerCount: workerCount, log: log, runtime: runtime)
        do {
            let value = try await body(harness)
            try await harness.stop()
            return value
        } catch {
            try await harness.stop()
            throw error
        }
    }

    func stop() async throws {
        _ = await server.drain(within: .seconds(5))
        registry.stop()
        try await workers.shutdownGracefully()
        try await aside.shutdownGracefully()
        try await group.shutdownGracefully()
    }

    var releasedGenerations: [UInt64] { released.withLock { $0 } }

    /// Adopts a linear model of three features whose prediction is `bias` and the sum of the features.
    func adopt(
        _ name: String, version: String, generation: UInt64, bias: Double, featureNames: [String] = [],
        encoders: FeatureEncoders? = nil, featureCount: Int = 3
    ) throws {
        let image = try Self.image(
            bias: bias, featureNames: featureNames, encoders: encoders, featureCount: featureCount)
        let offer = try Self.offer(name, version: version, generation: generation, image: image)
        try registry.adopt(offer, memory: SealedMemory(copying: image, name: name))
    }

    /// Adopts a linear model of three features whose three predictions are the features.
    func adoptClasses(_ name: String, generation: UInt64, labels: [String]) throws {
        let linear = try LinearPredictor(
            featureCount: 3, accumulator: .float32, startValues: [0, 0, 0], weights: [1, 0, 0, 0, 1, 0, 0, 0, 1])
        let model = ModelDescription(
            predictor: .linear(linear), featureNames: [], transform: .identity, objective: "", bestIteration: nil,
            source: ModelSource(format: .onnx, writerVersion: "1"), classLabels: labels)
        let image = try ImageCompiler.compile(model, artifactDigest: Self.artifact.bytes)
        let offer = try Self.offer(name, version: "1", generation: generation, image: image)
        try registry.adopt(offer, memory: SealedMemory(copying: image, name: name))
    }

    static let artifact = ContentDigest(bytes: Digest.sha256([1, 2, 3]))!

    static func image(
        bias: Double, featureNames: [String] = [], encoders: FeatureEncoders? = nil, featureCount: Int = 3
    ) throws -> [UInt8] {
        let linear = try LinearPredictor(
            featureCount: featureCount, accumulator: .float32, startValues: [bias],
            weights: Array(repeating: 1, count: featureCount))
        let model = ModelDescription(
            predictor: .linear(linear), featureNames: featureNames, transform: .identity, objective: "reg:squarederror",
            bestIteration: nil,
            source: ModelSource(format: .xgboostJSON, writerVersion: "1.7.6"))
        return try ImageCompiler.compile(model, artifactDigest: artifact.bytes, encoders: encoders)
    }

    static func offer(_ name: String, version: String, generation: UInt64, image: [UInt8]) throws -> ImageOffer {
        try ImageOffer(
            generation: generation, model: Name(name), version: version, artifactDigest: artifact,
            imageDigest: ContentDigest(bytes: Digest.sha256(image))!, imageVersion: ModelImageView.version,
            sizeBytes: UInt64(image.count))
    }
}

/// A blocking connection that speaks just enough HTTP to be told everything.
final class PlainClient {
    struct Answer: Equatable {
        let status: Int
        let fields: [String: String]
        let body: String
    }

    private let descriptor: Int32
    private var pending: [UInt8] = []

    init(port: UInt16) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        precondition(connected == 0)
    }

    deinit { close(descriptor) }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// The next answer; nil at the end of the connection.
    func receive() -> Answer? {
        while true {
            if let end = pending.firstRange(of: Array("\r\n\r\n".utf8)) {
                let lines = String(decoding: pending[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
                var fields: [String: String] = [:]
                for line in lines.dropFirst() {
                    let parts = line.split(separator: ":", maxSplits: 1)
                    fields[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
                }
                let length = Int(fields["content-length"] ?? "0")!
                if pending.count >= end.upperBound + length {
                    let body = String(decoding: pending[end.upperBound..<(end.upperBound + length)], as: UTF8.self)
                    pending.removeSubrange(..<(end.upperBound + length))
                    return Answer(status: Int(lines[0].split(separator: " ")[1])!, fields: fields, body: body)
                }
            }
            var buffer = [UInt8](repeating: 0, count: 64 * 1024)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            pending += buffer[..<count]
        }
    }

    func get(_ path: String) -> Answer? {
        send("GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
        return receive()
    }

    static func post(_ body: String, _ fields: [String: String] = [:], path: String = "/invocations") -> String {
        var head = "POST \(path) HTTP/1.1\r\nHost: h\r\nContent-Length: \(body.utf8.count)\r\n"
        for (name, value) in fields { head += "\(name): \(value)\r\n" }
        return head + "\r\n" + body
    }

    func predict(_ body: String, _ fields: [String: String] = ["Content-Type": "text/csv"]) -> Answer? {
        send(Self.post(body, fields))
        return receive()
    }
}

func sha256(_ text: String) -> [UInt8] { Digest.sha256(Array(text.utf8)) }
