import GRPCCore
import NIOCore

/// Messages pass as bytes: they are read and written where their model is, on a loop or a worker.
struct MessageBytes: MessageDeserializer, MessageSerializer {
    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) -> ByteBuffer {
        unsafe bytes.withUnsafeBytes { unsafe ByteBuffer(bytes: $0) }
    }

    func serialize<Bytes: GRPCContiguousBytes>(_ message: ByteBuffer) -> Bytes {
        Bytes(message.readableBytesView)
    }
}
