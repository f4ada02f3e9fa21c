/// What an executor says first.
package struct Hello: Equatable, Sendable {
    /// The versions of this protocol that this code speaks.
    static let spokenVersions: ClosedRange<UInt16> = 1...1
    /// Says that this is the hand-off at all, in every version of it.
    private static let magic = Array("LODEHAND".utf8)
    private static let imageVersionLimitCount = 64

    /// The versions of the protocol that the executor speaks.
    package let protocolVersions: ClosedRange<UInt16>
    /// The versions of the image format that it reads.
    package let imageVersions: [UInt16]
    /// The highest generation that it has ever taken, 0 at first: offers must be above it.
    package let highestGeneration: UInt64
    /// How many `held` messages follow.
    let heldCount: Int

    init(protocolVersions: ClosedRange<UInt16>, imageVersions: [UInt16], highestGeneration: UInt64, heldCount: Int) {
        self.protocolVersions = protocolVersions
        self.imageVersions = Array(imageVersions.prefix(Self.imageVersionLimitCount))
        self.highestGeneration = highestGeneration
        self.heldCount = heldCount
    }

    func write(to body: inout MessageWriter) {
        body.write(raw: Self.magic)
        body.write(protocolVersions.lowerBound)
        body.write(protocolVersions.upperBound)
        body.write(highestGeneration)
        body.write(UInt32(heldCount))
        body.write(UInt16(imageVersions.count))
        for version in imageVersions { body.write(version) }
    }

    init(from reader: inout MessageReader) throws(HandoffError) {
        guard try reader.read(Self.magic.count) == Self.magic[...] else { throw .violation("no hello") }
        let lowest = try reader.readUInt16()
        let highest = try reader.readUInt16()
        guard lowest <= highest else { throw .violation("protocol versions \(lowest) to \(highest)") }
        self.protocolVersions = lowest...highest
        self.highestGeneration = try reader.readUInt64()
        // Offers must be above it.
        guard highestGeneration < ImageOffer.generationLimit else {
            throw .violation("generation \(highestGeneration) taken, which leaves none")
        }
        let heldCount = try reader.readUInt32()
        guard heldCount <= UInt32(HandoffMessage.heldLimitCount) else { throw .violation("\(heldCount) held images") }
        self.heldCount = Int(heldCount)
        let versionCount = try reader.readUInt16()
        guard versionCount <= Self.imageVersionLimitCount else { throw .violation("\(versionCount) image versions") }
        var versions: [UInt16] = []
        for _ in 0..<versionCount { versions.append(try reader.readUInt16()) }
        self.imageVersions = versions
    }

    /// The highest version that both ends speak.
    var commonVersion: UInt16? {
        let highest = min(protocolVersions.upperBound, Self.spokenVersions.upperBound)
        return highest >= max(protocolVersions.lowerBound, Self.spokenVersions.lowerBound) ? highest : nil
    }
}
