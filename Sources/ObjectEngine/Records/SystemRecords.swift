/// The state of the store's counters, written with every batch.
struct CommitMark: Hashable {
    static let version: UInt8 = 1

    /// The last sequence that was given out.
    var sequence: UInt64
    /// Below this, every blob id is named by a record or has left no bytes.
    var blobFloor: UInt64
    /// Above every blob id that a record has named.
    var nextBlob: UInt64

    var encoded: [UInt8] {
        var writer = ByteWriter(version: Self.version, capacity: 25)
        writer.number(sequence)
        writer.number(blobFloor)
        writer.number(nextBlob)
        return writer.bytes
    }
}

extension CommitMark {
    init(decoding bytes: [UInt8]) throws(RecordError) {
        var reader = try ByteReader(bytes, version: Self.version)
        self.sequence = try reader.number()
        self.blobFloor = try reader.number()
        self.nextBlob = try reader.number()
        try reader.finish()
    }
}

/// Something that nothing names any more.
enum ReclaimEntry: Hashable {
    static let version: UInt8 = 1

    case extent(Extent)
    /// A deleted bucket, whose uploads and feed go after it.
    case bucket(BucketID)

    var encoded: [UInt8] {
        var writer = ByteWriter(version: Self.version, capacity: 32)
        switch self {
        case .extent(let extent):
            writer.byte(1)
            writer.extents([extent])
        case .bucket(let id):
            writer.byte(2)
            writer.number(id.value)
        }
        return writer.bytes
    }
}

extension ReclaimEntry {
    init(decoding bytes: [UInt8]) throws(RecordError) {
        var reader = try ByteReader(bytes, version: Self.version)
        switch try reader.byte() {
        case 1:
            let extents = try reader.extents()
            guard extents.count == 1 else { throw .invalid(field: "reclaim.extent") }
            self = .extent(extents[0])
        case 2: self = .bucket(BucketID(try reader.number()))
        default: throw .invalid(field: "reclaim.kind")
        }
        try reader.finish()
    }
}
