package import Digests
package import Names

/// One image of one model, as it is offered to an executor and remembered by it.
package struct ImageOffer: Sendable, Equatable {
    package static let modelLimitBytes = 255
    package static let versionLimitBytes = 1024
    /// Half of what 64 bits hold: whoever adds one to a generation that was checked needs not look whether there is another.
    package static let generationLimit: UInt64 = .max / 2

    /// Names this image on its executor: chosen by the sidecar, rising, never used twice on one executor.
    package let generation: UInt64
    /// 1 to 255 bytes of UTF-8.
    package let model: Name
    /// What clients are told the model's version is: 1 to 1,024 bytes of UTF-8.
    package let version: String
    /// The SHA-256 of the artifact as it lay in the bucket. The same bytes pushed again have the same digest.
    package let artifactDigest: ContentDigest
    /// The SHA-256 of the image.
    package let imageDigest: ContentDigest
    /// The version of the image format.
    package let imageVersion: UInt16
    /// The size of the image, in bytes: exactly that of the memory that comes with the offer.
    package let sizeBytes: UInt64

    /// - Throws: ``HandoffError/unusableOffer(_:)`` when a text is empty or too long, or the generation is 0 or above its limit.
    package init(
        generation: UInt64, model: Name, version: String, artifactDigest: ContentDigest, imageDigest: ContentDigest,
        imageVersion: UInt16, sizeBytes: UInt64
    ) throws(HandoffError) {
        guard (1...Self.generationLimit).contains(generation) else {
            throw .unusableOffer("generation \(generation), which is not in 1 to \(Self.generationLimit)")
        }
        guard (1...Self.modelLimitBytes).contains(model.utf8.count) else {
            throw .unusableOffer("a model name of \(model.utf8.count) bytes")
        }
        guard (1...Self.versionLimitBytes).contains(version.utf8.count) else {
            throw .unusableOffer("a version of \(version.utf8.count) bytes")
        }
        self.generation = generation
        self.model = model
        self.version = version
        self.artifactDigest = artifactDigest
        self.imageDigest = imageDigest
        self.imageVersion = imageVersion
        self.sizeBytes = sizeBytes
    }
}
