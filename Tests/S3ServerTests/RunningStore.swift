import Digests
import Foundation
import Glibc
import HTTPKernel
import Logging
import NIOCore
import ObjectEngine
import S3Server
import S3Service
import S3Types
import S3Wire
import SigV4

/// A store on a free port of the loopback with a directory of its own and a clock that stands still.
final class RunningStore: Sendable {
    static let accessKey = "AKIAIOSFODNN7EXAMPLE"
    static let secret = Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    static let nowSeconds: Int64 = 1_700_000_000

    let port: Int
    private let directory: String
    private let task: Task<Void, any Error>

    private init(port: Int, directory: String, task: Task<Void, any Error>) {
        self.port = port
        self.directory = directory
        self.task = task
    }

    /// Runs a store for as long as the body does.
    static func with<Result>(
        region: String = "us-east-1", domains: [String] = [], _ body: (RunningStore) async throws -> Result
    ) async throws -> Result {
        let store = try await start(region: region, domains: domains)
        do {
            let result = try await body(store)
            try await store.stop()
            return result
        } catch {
            try await store.stop()
            throw error
        }
    }

    private static func start(region: String, domains: [String]) async throws -> RunningStore {
        let directory = FileManager.default.temporaryDirectory.path + "/store-\(UUID().uuidString)"
        var engine = EngineConfiguration(directory: directory)
        engine.threadCount = 4
        engine.now = { nowSeconds * 1000 }
        var service = S3ServiceConfiguration(
            region: region, domains: domains, accessKey: accessKey, secret: secret, now: { nowSeconds * 1000 })
        service.feedKeepAlive = .seconds(1)
        let configuration = StoreServerConfiguration(
            engine: engine, service: service, listeners: [.tcp(host: "127.0.0.1", port: 0)], loopCount: 1)
        let (ports, ready) = AsyncStream.makeStream(of: Int.self)
        let server = StoreServer(configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) {
            addresses in
            ready.yield(addresses.first?.port ?? 0)
        }
        let task = Task {
            defer { ready.finish() }
            try await server.run()
        }
        var iterator = ports.makeAsyncIterator()
        guard let port = await iterator.next() else {
            try await task.value
            throw POSIXError(.ECONNREFUSED)
        }
        return RunningStore(port: port, directory: directory, task: task)
    }

    private func stop() async throws {
        task.cancel()
        try await task.value
        try FileManager.default.removeItem(atPath: directory)
    }

    // MARK: Requests

    static let signer = RequestSigner(accessKey: accessKey, secret: secret, region: "us-east-1")

    /// What goes over the wire for one signed request.
    func request(
        _ method: String, _ target: String, _ fields: [(name: String, value: String)] = [], body: [UInt8] = [],
        payload: PayloadForm? = nil, signer: RequestSigner = RunningStore.signer, atSeconds: Int64 = nowSeconds
    ) throws -> [UInt8] {
        let signed = try signer.sign(
            method: method, target: target, fields: [("host", "127.0.0.1:\(port)")] + fields,
            payload: payload ?? .digest(Digest.sha256(body)), atSeconds: atSeconds)
        return raw(method, target, signed, body: body)
    }

    func raw(_ method: String, _ target: String, _ fields: [(name: String, value: String)], body: [UInt8] = [])
        -> [UInt8]
    {
        var head = "\(method) \(target) HTTP/1.1\r\n"
        for field in fields { head += "\(field.name): \(field.value)\r\n" }
        if !fields.contains(where: { $0.name == "content-length" }),
            !body.isEmpty || method == "PUT" || method == "POST"
        {
            head += "content-length: \(body.count)\r\n"
        }
        return Array((head + "\r\n").utf8) + body
    }

    /// Sends one signed request and reads its answer.
    @discardableResult
    func send(
        _ method: String, _ target: String, _ fields: [(name: String, value: String)] = [], body: [UInt8] = [],
        payload: PayloadForm? = nil, signer: RequestSigner = RunningStore.signer, atSeconds: Int64 = nowSeconds
    ) throws -> Reply {
        try exchange(
            request(method, target, fields, body: body, payload: payload, signer: signer, atSeconds: atSeconds),
            isHead: method == "HEAD")
    }

    func exchange(_ bytes: [UInt8], isHead: Bool = false, closesEarly: Bool = false) throws -> Reply {
        let connection = try Connection(port: port)
        connection.send(bytes)
        if closesEarly { connection.endSending() }
        return try connection.reply(isHead: isHead)
    }
}

/// An answer taken apart.
struct Reply {
    let status: Int
    let fields: [(name: String, value: String)]
    let body: [UInt8]

    subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
    var text: String { String(decoding: body, as: UTF8.self) }
    /// The code of an error document.
    var code: String? { document?.text(of: "Code") }
    var document: XMLElement? { try? XMLReader.read(body) }
}

/// One blocking connection to the loopback.
final class Connection {
    private let descriptor: Int32
    private var received: [UInt8] = []

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        // A server that does not answer fails the test instead of stopping it.
        var patience = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else { throw POSIXError(.ECONNREFUSED) }
    }

    deinit { close(descriptor) }

    /// Sends all it can; a server that has refused may stop taking the rest.
    func send(_ bytes: [UInt8]) {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + offset, bytes.count - offset, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            offset += count
        }
    }

    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Bytes up to and including the separator; nil when the connection ends first.
    func read(through separator: [UInt8]) -> [UInt8]? {
        while true {
            if let range = received.firstRange(of: separator) {
                defer { received.removeFirst(range.upperBound) }
                return Array(received[..<range.upperBound])
            }
            guard receive() else { return nil }
        }
    }

    func read(count: Int) -> [UInt8]? {
        while received.count < count { guard receive() else { return nil } }
        defer { received.removeFirst(count) }
        return Array(received[..<count])
    }

    func reply(isHead: Bool = false) throws -> Reply {
        guard let headBytes = read(through: Array("\r\n\r\n".utf8)) else { throw POSIXError(.ECONNRESET) }
        let lines = String(decoding: headBytes, as: UTF8.self).split(separator: "\r\n")
        let status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        let fields = lines.dropFirst().map { line -> (name: String, value: String) in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (parts[0].lowercased(), String((parts.count > 1 ? parts[1] : "").drop { $0 == " " }))
        }
        if status == 100 { return try reply(isHead: isHead) }
        let length = fields.first { $0.name == "content-length" }.flatMap { Int($0.value) } ?? 0
        let isBodyless = isHead || status == 204 || status == 304
        guard let body = read(count: isBodyless ? 0 : length) else { throw POSIXError(.ECONNRESET) }
        return Reply(status: status, fields: fields, body: body)
    }

    private func receive() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return false }
        received += buffer[..<count]
        return true
    }
}
