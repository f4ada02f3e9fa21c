import Digests
import Handoff
import Names
import SealedMemory

/// An image in memory, ready to be handed to any executor.
final class HotImage: Sendable {
    let model: Name
    /// What clients are told the version is.
    let version: String
    let artifactDigest: ContentDigest
    let imageDigest: ContentDigest
    let imageVersion: UInt16
    let memory: SealedMemory

    init(
        model: Name, version: String, artifactDigest: ContentDigest, imageDigest: ContentDigest, imageVersion: UInt16,
        memory: consuming SealedMemory
    ) {
        self.model = model
        self.version = version
        self.artifactDigest = artifactDigest
        self.imageDigest = imageDigest
        self.imageVersion = imageVersion
        self.memory = memory
    }

    /// What an executor holds, taken over as it is.
    convenience init(adopting held: HeldImage) throws(SealedMemoryError) {
        self.init(
            model: held.offer.model, version: held.offer.version, artifactDigest: held.offer.artifactDigest,
            imageDigest: held.offer.imageDigest, imageVersion: held.offer.imageVersion,
            memory: try held.memory.duplicate())
    }

    func offer(generation: UInt64) throws(HandoffError) -> ImageOffer {
        try ImageOffer(
            generation: generation, model: model, version: version, artifactDigest: artifactDigest,
            imageDigest: imageDigest, imageVersion: imageVersion, sizeBytes: UInt64(memory.sizeBytes))
    }

    /// Whether a held image has the same content, whatever its version is called.
    func isSame(as offer: ImageOffer) -> Bool {
        artifactDigest == offer.artifactDigest && imageDigest == offer.imageDigest
    }
}
