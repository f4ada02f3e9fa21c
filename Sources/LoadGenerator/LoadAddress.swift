import Glibc

/// What a connection is made to: a target whose name was looked up, once for the whole load.
struct LoadAddress: Sendable {
    let family: Int32
    private let storage: sockaddr_storage
    private let length: socklen_t
    /// As an operator writes it.
    let name: String

    /// All addresses of the target, in the order in which they should be tried; at least one.
    ///
    /// Blocks on the resolver.
    static func all(of target: LoadPlan.Target) throws(LoadError) -> [LoadAddress] {
        switch target {
        case .tcp(let host, let port): try resolved(host, port)
        case .socket(let path): [try LoadAddress(path: path)]
        }
    }

    private init(path: String) throws(LoadError) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let capacity = MemoryLayout.size(ofValue: address.sun_path) - 1
        guard !bytes.isEmpty, bytes.count <= capacity else { throw .badAddress(path) }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        var storage = sockaddr_storage()
        unsafe withUnsafeMutableBytes(of: &storage) { target in
            unsafe withUnsafeBytes(of: &address) { unsafe target.copyMemory(from: $0) }
        }
        self.family = AF_UNIX
        self.storage = storage
        self.length = socklen_t(MemoryLayout<sockaddr_un>.size)
        self.name = path
    }

    private init(_ found: addrinfo, name: String) {
        var storage = sockaddr_storage()
        let length = unsafe min(Int(found.ai_addrlen), MemoryLayout<sockaddr_storage>.size)
        unsafe withUnsafeMutableBytes(of: &storage) { target in
            // Invariant: the resolver's entry has an address of ai_addrlen bytes.
            unsafe target.copyMemory(from: UnsafeRawBufferPointer(start: found.ai_addr, count: length))
        }
        self.family = unsafe found.ai_family
        self.storage = storage
        self.length = socklen_t(length)
        self.name = name
    }

    private static func resolved(_ host: String, _ port: UInt16) throws(LoadError) -> [LoadAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else {
            throw .unresolved(host: host, reason: unsafe String(cString: gai_strerror(code)))
        }
        defer { unsafe freeaddrinfo(list) }
        let name = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        var addresses: [LoadAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            unsafe addresses.append(LoadAddress(entry.pointee, name: name))
            unsafe next = entry.pointee.ai_next
        }
        guard !addresses.isEmpty else { throw .unresolved(host: host, reason: "the resolver answered nothing") }
        return addresses
    }

    /// A descriptor that is connected.
    func connected() throws(LoadError) -> Int32 {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .connect(address: name, errno: errno) }
        let result = unsafe withUnsafePointer(to: storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe connect(descriptor, $0, length) }
        }
        guard result == 0 else {
            let reason = errno
            close(descriptor)
            throw .connect(address: name, errno: reason)
        }
        return descriptor
    }
}
