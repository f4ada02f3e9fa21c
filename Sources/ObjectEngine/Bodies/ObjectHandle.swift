package import S3Types

/// An object opened for reading: its record, and a lease on its bytes until this goes.
package final class ObjectHandle: Sendable {
    package let key: ObjectKey
    package let record: ObjectRecord
    let inlineBytes: [UInt8]
    let sink: BlobSink
    private let leases: Leases

    /// - Parameter inlineBytes: the whole of a small body, empty for others.
    /// - Precondition: the extents of the record have been leased; the handle gives the lease back.
    init(key: ObjectKey, record: ObjectRecord, inlineBytes: [UInt8], sink: BlobSink, leases: Leases) {
        self.key = key
        self.record = record
        self.inlineBytes = inlineBytes
        self.sink = sink
        self.leases = leases
    }

    deinit {
        if !record.body.extents.isEmpty { leases.release(record.body.extents) }
    }

    /// Reads the whole body.
    package var reader: BodyReader { BodyReader(self, 0..<record.sizeBytes) }

    /// Reads a range, which must lie within the body.
    package func reader(_ range: Range<UInt64>) -> BodyReader { BodyReader(self, range) }
}
