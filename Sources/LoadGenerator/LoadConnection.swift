import Glibc

/// One blocking connection that sends a request and waits for its whole answer.
struct LoadConnection: ~Copyable {
    private let descriptor: Int32
    private var reader = ResponseReader()
    private var buffer = [UInt8](repeating: 0, count: 64 * 1024)

    init(_ address: LoadAddress) throws(LoadError) {
        descriptor = try address.connected()
        guard address.family != AF_UNIX else { return }
        var enabled: Int32 = 1
        unsafe setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &enabled, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { close(descriptor) }

    mutating func exchange(_ request: [UInt8]) throws(LoadError) -> ResponseReader.Response {
        var sent = 0
        while sent < request.count {
            let count = unsafe request.withUnsafeBytes { bytes in
                unsafe send(descriptor, bytes.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw .send(errno: errno) }
            sent += count
        }
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress!, $0.count, 0) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .receive(errno: errno) }
            guard count > 0 else { throw .closedEarly }
            if let response = try reader.take(buffer[..<count]) { return response }
        }
    }
}
