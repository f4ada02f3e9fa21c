import RocksKit

/// What was acknowledged for certain, as it is kept outside the log and the manifest that it speaks of.
///
/// Lower bounds: what is on the disk reaches at least so far. Docs/Formats/keys.md has the bytes, Docs/Decisions/0015 when
/// they are written.
struct AcknowledgedBound: Hashable {
    static let version: UInt8 = 1
    static let slotBytes = 8 << 10
    static let slotCount = 2
    /// More logs than this are alive only while the disk fails; the newest are told then.
    private static let logLimit = 400

    struct Log: Hashable {
        var number: UInt64
        var bytes: UInt64
    }

    /// Rises with every writing; its parity is the slot.
    var count: UInt64 = 0
    var format: UInt64
    var epoch: UInt64
    var sequence: UInt64
    var manifest: String
    var manifestBytes: UInt64
    var logs: [Log]

    /// A slot: CRC32C of what follows (4 bytes), length (4), the bound, zeros.
    var slot: [UInt8] {
        var writer = ByteWriter(version: Self.version)
        writer.number(count)
        writer.number(format)
        writer.number(epoch)
        writer.number(sequence)
        writer.text(manifest)
        writer.number(manifestBytes)
        let told = logs.suffix(Self.logLimit)
        writer.count(told.count)
        for log in told {
            writer.number(log.number)
            writer.number(log.bytes)
        }
        let framed = Array(StoreKey.number(UInt64(writer.bytes.count))[4...]) + writer.bytes
        let sum = Array(StoreKey.number(UInt64(checksum(of: framed)))[4...])
        return sum + framed + [UInt8](repeating: 0, count: Self.slotBytes - framed.count - sum.count)
    }

    /// - Returns: nil for a slot that is not whole.
    init?(slot: [UInt8]) {
        guard let head = StoreKey.number(at: 0, in: slot) else { return nil }
        let length = Int(head & 0xFFFF_FFFF)
        guard length <= slot.count - 8, checksum(of: Array(slot[4..<8 + length])) == UInt32(head >> 32) else {
            return nil
        }
        guard let bound = try? AcknowledgedBound(decoding: Array(slot[8..<8 + length])) else { return nil }
        self = bound
    }

    init(format: UInt64, epoch: UInt64, sequence: UInt64, manifest: String, manifestBytes: UInt64, logs: [Log]) {
        self.format = format
        self.epoch = epoch
        self.sequence = sequence
        self.manifest = manifest
        self.manifestBytes = manifestBytes
        self.logs = logs
    }

    private init(decoding bytes: [UInt8]) throws(RecordError) {
        var reader = try ByteReader(bytes, version: Self.version)
        self.count = try reader.number()
        self.format = try reader.number()
        self.epoch = try reader.number()
        self.sequence = try reader.number()
        self.manifest = try reader.text()
        self.manifestBytes = try reader.number()
        self.logs = []
        for _ in 0..<(try reader.count()) {
            logs.append(Log(number: try reader.number(), bytes: try reader.number()))
        }
        try reader.finish()
    }
}
