import CLinux
import Glibc

/// A connected Unix stream socket over which bytes and descriptors go, by blocking calls.
///
/// Reading and writing may go on at the same time on two threads; two readers or two writers may not.
@safe package final class DescriptorSocket: Sendable {
    private let descriptor: Int32

    /// - Parameter descriptor: a connected AF_UNIX stream socket, owned by this value from here on.
    package init(owning descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Connects to a listening socket.
    ///
    /// - Throws: ``SealedMemoryError/system(call:errno:)``; ENAMETOOLONG for a path of 108 bytes or more.
    package convenience init(connectingTo path: String) throws(SealedMemoryError) {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .system(call: "socket", errno: errno) }
        self.init(owning: descriptor)
        guard let address = UnixSocketAddress(path: path) else { throw .system(call: "connect", errno: ENAMETOOLONG) }
        guard unsafe address.lend({ unsafe connect(descriptor, $0, $1) }) == 0 else {
            throw .system(call: "connect", errno: errno)
        }
    }

    /// Waits for the next connection.
    ///
    /// - Parameter listening: a listening Unix socket, borrowed.
    /// - Throws: ``SealedMemoryError/system(call:errno:)``: EINVAL after the listening socket was shut down.
    package convenience init(acceptedOn listening: Int32) throws(SealedMemoryError) {
        let descriptor = clinux_accept(listening)
        guard descriptor >= 0 else { throw .system(call: "accept4", errno: errno) }
        self.init(owning: descriptor)
    }

    /// The peer's user and process by SO_PEERCRED.
    package func peer() throws(SealedMemoryError) -> (userID: UInt32, processID: Int32) {
        var user: uid_t = 0
        var process: pid_t = 0
        guard unsafe clinux_peer(descriptor, &user, &process) == 0 else {
            throw .system(call: "getsockopt(SO_PEERCRED)", errno: errno)
        }
        return (user, process)
    }

    /// How long one read may wait for a byte; nil waits for ever.
    package func setReadTimeout(_ timeout: Duration?) { setTimeout(SO_RCVTIMEO, timeout) }

    /// How long one write may wait for room.
    package func setWriteTimeout(_ timeout: Duration) { setTimeout(SO_SNDTIMEO, timeout) }

    /// Sends all bytes; a memory goes along with the first of them.
    ///
    /// - Throws: ``SealedMemoryError/system(call:errno:)``: EPIPE when the peer is gone, EAGAIN after the write timeout. The
    ///   stream is of no use after any failure, since part of the bytes may have gone.
    package func send(_ bytes: [UInt8]) throws(SealedMemoryError) { try send(bytes, passing: -1) }

    package func send(_ bytes: [UInt8], passing memory: borrowing SealedMemory) throws(SealedMemoryError) {
        try memory.withDescriptor { number throws(SealedMemoryError) in try send(bytes, passing: number) }
    }

    private func send(_ bytes: [UInt8], passing number: Int32) throws(SealedMemoryError) {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe clinux_send(descriptor, buffer.baseAddress! + sent, buffer.count - sent, sent == 0 ? number : -1)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw .system(call: "sendmsg", errno: errno) }
            sent += count
        }
    }

    /// Receives exactly `count` bytes, and the one descriptor that may come with them.
    ///
    /// - Returns: nil at an orderly end before the first byte.
    /// - Throws: ``SealedMemoryError/system(call:errno:)``: EAGAIN after the read timeout, EPROTO for more than one
    ///   descriptor, ECONNRESET for an end in the middle.
    package func receive(_ count: Int) throws(SealedMemoryError) -> Received? {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        var descriptor: Int32 = -1
        var isDescriptorLost = false
        while filled < count {
            var number: Int32 = -1
            let received = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe clinux_receive(self.descriptor, buffer.baseAddress! + filled, count - filled, &number)
            }
            if received < 0 && errno == EINTR { continue }
            let failure: Int32? =
                if received < 0 { errno } else if received == 0 && filled > 0 {
                    ECONNRESET
                } else if number >= 0 && descriptor >= 0 { EPROTO } else { nil }
            if let failure {
                if number >= 0 { close(number) }
                if descriptor >= 0 { close(descriptor) }
                throw .system(call: "recvmsg", errno: failure)
            }
            if number >= 0 { descriptor = number }
            if number == -2 { isDescriptorLost = true }
            if received == 0 { return nil }
            filled += received
        }
        return Received(
            bytes: bytes, descriptor: descriptor >= 0 ? ReceivedDescriptor(owning: descriptor) : nil,
            isDescriptorLost: isDescriptorLost)
    }

    /// What one read brought.
    package struct Received: ~Copyable {
        package let bytes: [UInt8]
        package var descriptor: ReceivedDescriptor?
        /// Whether a descriptor came for which this process had no room: EMFILE, or ENFILE.
        package let isDescriptorLost: Bool
    }

    /// Ends the connection in both directions: a thread that waits in ``receive(_:)`` sees the end at once.
    package func shutDown() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }

    private func setTimeout(_ option: Int32, _ timeout: Duration?) {
        let parts = (timeout ?? .zero).components
        var value = timeval(tv_sec: Int(parts.seconds), tv_usec: Int(parts.attoseconds / 1_000_000_000_000))
        // It fails only for a closed descriptor or a negative time, and neither can be.
        let result = unsafe setsockopt(descriptor, SOL_SOCKET, option, &value, socklen_t(MemoryLayout<timeval>.size))
        precondition(result == 0, "a timeout can be set on an open socket")
    }
}
