import Foundation
import Glibc
import Synchronization
import Threads

/// An HTTP server on a free port of the loopback that answers with whatever bytes the test says, whole or not.
final class ScriptedServer: Sendable {
    struct Request: Sendable {
        let line: String
        let fields: [String: String]
        /// Counted from 0 over all connections.
        let number: Int
    }

    /// What goes out; nil closes the connection without an answer.
    typealias Script = @Sendable (Request) -> [UInt8]?

    let port: UInt16
    private let listening: Int32
    private let count = Mutex(0)
    private let seen = Mutex<[Request]>([])
    private let script: Script

    init(_ script: @escaping Script) {
        self.script = script
        self.listening = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listening = self.listening
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                precondition(bind(listening, $0, size) == 0 && listen(listening, 64) == 0)
                precondition(getsockname(listening, $0, &size) == 0)
            }
        }
        self.port = UInt16(bigEndian: address.sin_port)
        _ = WorkerThread(name: "scripted") { [self] in
            while case let connection = accept(listening, nil, nil), connection >= 0 {
                _ = WorkerThread(name: "scripted-peer") { [self] in serve(connection) }
            }
        }
    }

    func stop() {
        shutdown(listening, Int32(SHUT_RDWR))
        close(listening)
    }

    var requests: [Request] { seen.withLock { $0 } }

    private func serve(_ connection: Int32) {
        defer { close(connection) }
        var pending: [UInt8] = []
        while let head = readHead(connection, &pending) {
            let lines = head.components(separatedBy: "\r\n")
            var fields: [String: String] = [:]
            for line in lines.dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1)
                if parts.count == 2 { fields[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces) }
            }
            let number = count.withLock { count in
                defer { count += 1 }
                return count
            }
            let request = Request(line: lines[0], fields: fields, number: number)
            seen.withLock { $0.append(request) }
            guard let answer = script(request) else { return }
            var sent = 0
            while sent < answer.count {
                let written = answer.withUnsafeBytes {
                    send(connection, $0.baseAddress! + sent, answer.count - sent, Int32(MSG_NOSIGNAL))
                }
                guard written > 0 else { return }
                sent += written
            }
            if String(decoding: answer.prefix(1000), as: UTF8.self).lowercased().contains("connection: close") {
                return
            }
        }
    }

    /// Requests here have no bodies.
    private func readHead(_ connection: Int32, _ pending: inout [UInt8]) -> String? {
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            if let end = pending.firstRange(of: Array("\r\n\r\n".utf8)) {
                defer { pending.removeSubrange(..<end.upperBound) }
                return String(decoding: pending[..<end.lowerBound], as: UTF8.self)
            }
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            pending += buffer[..<count]
        }
    }
}

/// A whole HTTP answer.
func answer(_ status: Int, _ fields: [String: String] = [:], _ body: [UInt8] = [], length: Int? = nil) -> [UInt8] {
    var head = "HTTP/1.1 \(status) X\r\ncontent-length: \(length ?? body.count)\r\n"
    for (name, value) in fields { head += "\(name): \(value)\r\n" }
    return Array((head + "\r\n").utf8) + body
}
