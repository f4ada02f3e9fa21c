package import Digests
package import Names

/// That an artifact is being prepared, or what became of it: written before the work begins and removed when it has ended, so
/// that a process which it ended finds it at its next start. `Docs/Formats/cache.md`.
package struct PreparationMark: Sendable, Equatable {
    package enum State: UInt8, Sendable {
        /// Being prepared now, or when the process ended.
        case running = 0
        /// One of several that were being prepared when a process ended: to be tried again by itself.
        case suspect = 1
        /// It ended a process all by itself: not to be tried again.
        case condemned = 2
    }

    package let artifactDigest: ContentDigest
    package var state: State
    /// Of the machine, since its start: a mark of another boot says nothing of the artifact.
    package let boot: String
    package let model: Name
    package let objectKey: String
    package let etag: String

    package init(
        artifactDigest: ContentDigest, state: State, boot: String, model: Name, objectKey: String, etag: String
    ) {
        self.artifactDigest = artifactDigest
        self.state = state
        self.boot = boot
        self.model = model
        self.objectKey = objectKey
        self.etag = etag
    }

    private static let magic = Array("LODEPREP".utf8)
    private static let formatVersion: UInt8 = 1
    private static let headBytes = 8 + 1 + 1 + 32

    var encoded: [UInt8] {
        var bytes = Self.magic + [Self.formatVersion, state.rawValue] + artifactDigest.bytes
        RecordTexts.append([boot, model.text, objectKey, etag], to: &bytes)
        return bytes + CRC.crc64nvme.bytes(of: CRC.crc64nvme.checksum(bytes))
    }

    /// Nil when a single byte is not as it was written.
    init?(encoded bytes: [UInt8]) {
        guard bytes.count >= Self.headBytes + 8, Array(bytes[..<8]) == Self.magic else { return nil }
        let content = Array(bytes.dropLast(8))
        guard CRC.crc64nvme.bytes(of: CRC.crc64nvme.checksum(content)) == Array(bytes.suffix(8)),
            content[8] == Self.formatVersion, let state = State(rawValue: content[9]),
            let digest = ContentDigest(bytes: Array(content[10..<42])),
            let texts = RecordTexts.read(content[Self.headBytes...], count: 4)
        else { return nil }
        self.init(
            artifactDigest: digest, state: state, boot: texts[0], model: Name(texts[1]), objectKey: texts[2],
            etag: texts[3])
    }
}
