import ObjectEngine
import S3Types
import S3Wire

extension ObjectRecord {
    /// The headers by which an object is described on GET and HEAD.
    ///
    /// - Parameter wantsChecksum: whether `x-amz-checksum-mode: ENABLED` was asked of the whole object.
    func describingFields(wantsChecksum: Bool) -> [(String, String)] {
        var fields: [(String, String)] = [
            ("last-modified", WireTime.httpDate(milliseconds: modifiedMilliseconds)), ("etag", etag.quoted),
            ("accept-ranges", "bytes"),
        ]
        if wantsChecksum { fields += checksumFields }
        for header in attributes.headers { fields.append((header.name, header.value)) }
        for entry in attributes.userMetadata { fields.append(("x-amz-meta-" + entry.name, entry.value)) }
        if attributes.storageClass != "STANDARD" { fields.append(("x-amz-storage-class", attributes.storageClass)) }
        return fields
    }

    /// The checksum that the client declared; where it declared none, the CRC64NVME that the store computed.
    var shownChecksums: [Checksum] { checksums.isEmpty ? [crc64nvmeChecksum] : checksums }

    var checksumFields: [(String, String)] {
        shownChecksums.map { ($0.algorithm.headerName, $0.text) }
            + (shownChecksums.first.map { [("x-amz-checksum-type", $0.type.rawValue)] } ?? [])
    }
}

extension XMLWriter {
    /// The elements of checksums, as results of copies, parts and completions hold them.
    mutating func checksums(_ checksums: [Checksum], withType: Bool = true) {
        for checksum in checksums { element("Checksum" + checksum.algorithm.rawValue, checksum.text) }
        if withType, let type = checksums.first?.type { element("ChecksumType", type.rawValue) }
    }

    mutating func owner(_ name: String, _ owner: Owner) {
        group(name) { xml in
            xml.element("ID", owner.id)
            xml.element("DisplayName", owner.displayName)
        }
    }
}
