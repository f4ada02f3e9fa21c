import Digests
import RocksKit
import S3Types

extension BlobSink {
    /// What is wrong with the body of a record: bytes that are missing or unreadable, or that are not those that were stored.
    func damage(of record: ObjectRecord, key: ObjectKey) -> String? {
        do throws(EngineError) {
            var inlineBytes: [UInt8] = []
            if case .inline(let id) = record.body {
                let found = try storing { () throws(RocksError) in
                    try database.value(StoreKey.inline(id), in: Family.inline.rawValue)?.copied()
                }
                guard let found, UInt64(found.count) == record.sizeBytes else { throw .damaged(.inline(id: id)) }
                inlineBytes = found
            }
            let leases = Leases {}
            leases.take(record.body.extents)
            let handle = ObjectHandle(key: key, record: record, inlineBytes: inlineBytes, sink: self, leases: leases)
            var crc = CRC.crc64nvme.empty
            var reader = handle.reader
            while let chunk = try reader.next() {
                crc = chunk.withBytes { CRC.crc64nvme.update(crc, $0) }
            }
            return crc == record.crc64nvme ? nil : "its CRC64NVME is another"
        } catch {
            return "\(error)"
        }
    }
}
