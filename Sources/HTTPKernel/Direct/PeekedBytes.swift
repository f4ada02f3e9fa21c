import Glibc

/// What has been read of a Unix socket and not yet taken from it.
///
/// To take bytes frees memory of the sender's, and the kernel wakes whoever sleeps on the sender's end to say so: a client that
/// waits there for its answer wakes, finds none and sleeps again. Where it shares the server's core these are two switches in
/// the midst of its request. So bytes are read by MSG_PEEK, with SO_PEEK_OFF moving on behind them, and taken when their answers
/// have left: the client is awake then.
///
/// Where the client has a core of its own, the same wake-up is welcome: while that core wakes, the answer is made. So bytes are
/// taken at once there. Which of the two it is shows in when requests come: on the same core the client runs as soon as its answer has
/// left, and its next request is there before the server has looked again (Docs/Decisions/0081).
///
/// Source: socket(7), SO_PEEK_OFF; unix(7).
struct PeekedBytes {
    /// With so many it is time to take them: they count against what the client may have on the way.
    static let limitBytes = 16 * 1024

    /// A client of which nothing is known yet counts as one on the same core, for so many requests.
    private static let firstScore = 2
    private static let topScore = 8
    /// Of requests of a client on another core one in so many is looked behind all the same.
    private static let probeCount = 16

    private let descriptor: CInt
    private(set) var count = 0
    /// Rises by two with each request that was there at once, and falls by one with each that was not.
    private var score = Self.firstScore
    private var countSinceProbe = 0

    /// Nil for a socket of another family, and where the kernel does not do as it should.
    init?(_ descriptor: CInt) {
        guard Self.isReliable, Self.isUnix(descriptor), Self.begin(descriptor) else { return nil }
        self.descriptor = descriptor
    }

    private static func isUnix(_ descriptor: CInt) -> Bool {
        var domain: CInt = -1
        var size = socklen_t(MemoryLayout<CInt>.size)
        return unsafe getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX
    }

    private static func begin(_ descriptor: CInt) -> Bool {
        var offset: CInt = 0
        return unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_PEEK_OFF, &offset, socklen_t(MemoryLayout<CInt>.size)) == 0
    }

    /// Whether to leave bytes in the socket for now; in any case behind others that are left.
    var isPeeking: Bool { self.score > 0 || self.count > 0 }

    /// Whether to look for a request as soon as the answer to the last one has left.
    mutating func isToLookAgain() -> Bool {
        if self.score > 0 { return true }
        self.countSinceProbe += 1
        guard self.countSinceProbe == Self.probeCount else { return false }
        self.countSinceProbe = 0
        return true
    }

    /// What that look came to.
    mutating func noteLook(hasFound: Bool) {
        self.score = hasFound ? min(Self.topScore, self.score + 2) : max(0, self.score - 1)
    }

    /// So many more bytes have been read.
    mutating func add(_ count: Int) { self.count += count }

    /// Takes what has been read. False when that cannot be had: the stream is then not to be read any further.
    mutating func take() -> Bool {
        let wanted = self.count
        self.count = 0
        return Self.discard(wanted, from: self.descriptor)
    }

    private static func discard(_ wanted: Int, from descriptor: CInt) -> Bool {
        var left = wanted
        while left > 0 {
            let count = unsafe withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { block in
                unsafe recv(descriptor, block.baseAddress, min(left, block.count), 0)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            left -= count
        }
        return true
    }

    // MARK: The kernel

    /// Whether what has been peeked at stays, once, and in its order: tried once on a pair of our own, for systems that only
    /// resemble Linux.
    private static let isReliable: Bool = {
        var pair: [CInt] = [-1, -1]
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        guard unsafe socketpair(AF_UNIX, kind, 0, &pair) == 0 else { return false }
        defer { for descriptor in pair { _ = close(descriptor) } }
        let (near, far) = (pair[0], pair[1])
        return begin(near) && sends("ab", far) && sees("ab", near) && sees("", near) && sends("cd", far)
            && sends("e", far) && sees("cde", near) && discard(3, from: near) && sees("", near) && sends("f", far)
            && sees("f", near) && discard(3, from: near) && sees("", near) && !discard(1, from: near)
    }()

    private static func sends(_ text: String, _ descriptor: CInt) -> Bool {
        let bytes = Array(text.utf8)
        return unsafe send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL)) == bytes.count
    }

    private static func sees(_ text: String, _ descriptor: CInt) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 8)
        let count = unsafe recv(descriptor, &bytes, bytes.count, CInt(MSG_PEEK))
        return count > 0 ? bytes[..<count].elementsEqual(text.utf8) : text.isEmpty && count < 0 && errno == EAGAIN
    }
}
