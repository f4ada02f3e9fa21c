/// A file of values that RocksDB keeps apart from its tables.
///
/// Head of 30 bytes, a record for each value (head of 32 bytes, key, value), foot of 32 bytes.
///
/// Source: `db/blob/blob_log_format.h` of RocksDB.
package enum BlobFile {
    private static let magic: UInt64 = 2_395_959
    private static let headBytes = 30
    private static let recordHeadBytes = 32
    private static let footBytes = 32

    /// Holds head and foot to what our settings write there. The values are verified by RocksDB whenever they are read.
    ///
    /// - Parameter prepare: called with each range before it is read.
    package static func fault<Failure: Error>(
        in bytes: RawSpan, prepare: (Range<Int>) throws(Failure) -> Void
    ) throws(Failure) -> FileFault? {
        guard bytes.byteCount >= headBytes + footBytes else {
            return FileFault(at: 0, "the file is too short for values")
        }
        try prepare(0..<headBytes)
        var reader = FileNumbers(bytes.copied(0..<headBytes))
        guard reader.fixed(4) == magic, reader.fixed(4) == 1 else {
            return FileFault(at: 0, "the head is not that of a file of values")
        }
        // The family's number; kinds of compression and expiry, of which there are none.
        _ = reader.fixed(4)
        guard reader.fixed(2) == 0, reader.fixed(8) == 0, reader.fixed(8) == 0 else {
            return FileFault(at: 12, "the head of a file of values holds what is never written there")
        }
        let start = bytes.byteCount - footBytes
        try prepare(start..<bytes.byteCount)
        reader = FileNumbers(bytes.copied(start..<bytes.byteCount), at: footBytes - 4)
        guard let stored = reader.fixed(4), maskedChecksum(of: bytes, start..<bytes.byteCount - 4) == UInt32(stored)
        else {
            return FileFault(at: start, "the checksum of the foot of a file of values is wrong")
        }
        return nil
    }

    /// The first value that is not what was written, if any. Reads the whole file.
    package static func faultOfValues(in bytes: RawSpan) -> FileFault? {
        var position = headBytes
        let end = bytes.byteCount - footBytes
        while position < end {
            guard position + recordHeadBytes <= end else {
                return FileFault(at: position, "a value's head is cut short")
            }
            var reader = FileNumbers(bytes.copied(position..<position + recordHeadBytes))
            guard let keyBytes = reader.fixed(8), let valueBytes = reader.fixed(8), reader.fixed(8) != nil,
                let headSum = reader.fixed(4), let sum = reader.fixed(4),
                maskedChecksum(of: bytes, position..<position + 24) == UInt32(headSum)
            else { return FileFault(at: position, "the checksum of a value's head is wrong") }
            let start = position + recordHeadBytes
            guard keyBytes <= UInt64(end - start), valueBytes <= UInt64(end - start) - keyBytes else {
                return FileFault(at: position, "a value is cut short")
            }
            let next = start + Int(keyBytes) + Int(valueBytes)
            guard maskedChecksum(of: bytes, start..<next) == UInt32(sum) else {
                return FileFault(at: position, "the checksum of a value is wrong")
            }
            position = next
        }
        return nil
    }
}
