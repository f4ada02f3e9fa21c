import Glibc

/// One blocking connection that sends a request and waits for its whole answer.
struct LoadConnection: ~Copyable {
    private let descriptor: Int32
    private var reader = ResponseReader()
    private var buffer = [UInt8](repeating: 0, count: 64 * 1024)

    init(_ target: LoadPlan.Target) throws(LoadError) {
        switch target {
        case .tcp(let host, let port):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            guard unsafe inet_pton(AF_INET, host, &address.sin_addr) == 1 else { throw .badAddress(host) }
            self.descriptor = try Self.connected(AF_INET, address)
            var enabled: Int32 = 1
            unsafe setsockopt(
                descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &enabled, socklen_t(MemoryLayout<Int32>.size))
        case .socket(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let bytes = Array(path.utf8)
            let capacity = MemoryLayout.size(ofValue: address.sun_path) - 1
            guard !bytes.isEmpty, bytes.count <= capacity else { throw .badAddress(path) }
            unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
            self.descriptor = try Self.connected(AF_UNIX, address)
        }
    }

    deinit { close(descriptor) }

    private static func connected(_ family: Int32, _ address: some BitwiseCopyable) throws(LoadError) -> Int32 {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw .connect(errno: errno) }
        let size = socklen_t(MemoryLayout.size(ofValue: address))
        let result = unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe connect(descriptor, $0, size) }
        }
        guard result == 0 else {
            let reason = errno
            close(descriptor)
            throw .connect(errno: reason)
        }
        return descriptor
    }

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
