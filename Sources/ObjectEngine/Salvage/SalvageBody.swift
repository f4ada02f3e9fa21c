import Digests
import RocksKit

/// Reads bodies of a damaged store.
struct SalvageBody {
    let source: SalvageSource

    /// Why a body cannot be carried over; nil for one that is all there.
    func damage(of record: ObjectRecord) -> String? {
        switch record.body {
        case .empty: return nil
        case .extents(let extents): return damage(of: extents, crc64nvme: record.crc64nvme)
        case .inline(let id):
            do throws(RocksError) {
                guard let bytes = try source.value(StoreKey.inline(id), in: .inline) else {
                    return "its bytes are missing"
                }
                return unsafe CRC.crc64nvme.update(CRC.crc64nvme.empty, bytes.span.bytes) == record.crc64nvme
                    ? nil : "its CRC64NVME is another"
            } catch {
                return error.message
            }
        }
    }

    func damage(of extents: [Extent], crc64nvme: UInt64) -> String? {
        var crc = CRC.crc64nvme.empty
        do throws(RocksError) {
            for extent in extents {
                for index in 0..<extent.chunkCount {
                    let found = try source.value(StoreKey.chunk(index, of: extent.id), in: extent.kind.family)
                    guard let found, found.count == extent.chunkSize(index) else {
                        return "chunk \(index) of blob \(extent.id.value) is missing"
                    }
                    crc = unsafe CRC.crc64nvme.update(crc, found.span.bytes)
                }
            }
        } catch {
            return error.message
        }
        return crc == crc64nvme ? nil : "its CRC64NVME is another"
    }
}
