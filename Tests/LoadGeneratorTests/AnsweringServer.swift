import Glibc
import Synchronization
import Threads

/// A server on a free port of the loopback that gives every request the same answer, one connection at a time.
final class AnsweringServer: Sendable {
    let port: UInt16
    private let descriptor: Int32
    private let heads = Mutex<[String]>([])
    private let thread: Mutex<WorkerThread?> = Mutex(nil)

    init(answer: String) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = descriptor
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && listen(listener, 16) == 0 && getsockname(listener, $0, &size) == 0
            }
        }
        precondition(isListening, "the loopback has a free port")
        port = UInt16(bigEndian: address.sin_port)
        thread.withLock { $0 = WorkerThread(name: "answering") { [self] in serve(Array(answer.utf8)) } }
    }

    /// The request heads that came, without their last line end.
    var requests: [String] { heads.withLock { $0 } }

    func stop() {
        // Wakes the thread from `accept`.
        shutdown(descriptor, Int32(SHUT_RDWR))
        thread.withLock { $0 }?.join()
        close(descriptor)
    }

    private func serve(_ answer: [UInt8]) {
        while true {
            let connection = accept(descriptor, nil, nil)
            guard connection >= 0 else { return }
            var bytes = [UInt8](repeating: 0, count: 4096)
            while case let count = recv(connection, &bytes, bytes.count, 0), count > 0 {
                heads.withLock { $0.append(String(decoding: bytes[..<count], as: UTF8.self)) }
                _ = send(connection, answer, answer.count, Int32(MSG_NOSIGNAL))
            }
            close(connection)
        }
    }
}
