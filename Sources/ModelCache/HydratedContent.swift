package import Digests
package import SealedMemory

/// Content out of the cache, sealed, with the SHA-256 that it was stored with.
package struct HydratedContent: ~Copyable, Sendable {
    package let memory: SealedMemory
    package let digest: ContentDigest

    /// The memory alone.
    package consuming func taken() -> SealedMemory { memory }
}
