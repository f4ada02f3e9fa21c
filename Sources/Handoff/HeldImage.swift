package import SealedMemory

/// An image that an executor holds: what was offered, and the memory.
package final class HeldImage: Sendable {
    package enum Phase: UInt8, Sendable {
        /// Requests are answered from it.
        case live = 1
        /// Replaced or retired; requests that began on it still run.
        case draining = 2
    }

    package let offer: ImageOffer
    package let memory: SealedMemory

    package init(offer: ImageOffer, memory: consuming SealedMemory) {
        self.offer = offer
        self.memory = memory
    }

    /// What is held, without the memory.
    package struct Summary: Sendable, Equatable {
        package let offer: ImageOffer
        package let phase: Phase
    }
}
