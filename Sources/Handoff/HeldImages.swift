import Names

/// What an executor holds and to whom it speaks: decides, and leaves sending and closing to its caller.
struct HeldImages: ~Copyable {
    private var images: [UInt64: (image: HeldImage, phase: HeldImage.Phase)] = [:]
    private(set) var highestGeneration: UInt64 = 0
    private(set) var isStopped = false
    private var session: MessageStream?

    /// Whether a connection becomes the session.
    enum Admission { case admitted, busy, stopped }

    mutating func admit(_ stream: MessageStream) -> Admission {
        if isStopped { return .stopped }
        if session != nil { return .busy }
        session = stream
        return .admitted
    }

    mutating func endSession() { session = nil }

    /// - Returns: the session to close, if there is one.
    mutating func stop() -> MessageStream? {
        isStopped = true
        return session
    }

    /// The hello and the held images, in the order in which they were taken.
    func greeting(imageVersions: [UInt16]) -> [MessageStream.Outgoing] {
        let ordered = images.sorted { $0.key < $1.key }.map(\.value)
        let hello = Hello(
            protocolVersions: Hello.spokenVersions, imageVersions: imageVersions, highestGeneration: highestGeneration,
            heldCount: ordered.count)
        return [MessageStream.Outgoing(message: .hello(hello), image: nil)]
            + ordered.map { MessageStream.Outgoing(message: .held($0.image.offer, $0.phase), image: $0.image) }
    }

    /// Why an offer is not even shown to the holder; nil when it is.
    func objection(to offer: ImageOffer, memorySizeBytes: Int, imageVersions: [UInt16]) -> ImageRefusal? {
        if isStopped { return ImageRefusal(code: .shuttingDown, reason: "the executor is about to end") }
        if offer.generation <= highestGeneration {
            return ImageRefusal(
                code: .staleGeneration, reason: "generation \(offer.generation) is not above \(highestGeneration)")
        }
        if !imageVersions.contains(offer.imageVersion) {
            return ImageRefusal(
                code: .imageVersion,
                reason: "image version \(offer.imageVersion) is not read here, but \(imageVersions)")
        }
        if offer.sizeBytes != UInt64(memorySizeBytes) {
            return ImageRefusal(
                code: .invalidImage,
                reason: "the memory has \(memorySizeBytes) bytes, the offer says \(offer.sizeBytes)")
        }
        if images.count >= HandoffMessage.heldLimitCount {
            return ImageRefusal(code: .outOfMemory, reason: "\(images.count) images are held, which is the limit")
        }
        return nil
    }

    /// The generation is used up, whatever becomes of the image.
    mutating func begin(_ image: HeldImage) {
        highestGeneration = image.offer.generation
        images[image.offer.generation] = (image, .draining)
    }

    /// Every loop has switched to it.
    mutating func becameLive(_ offer: ImageOffer) {
        retire(model: offer.model)
        // Absent when it has been released already.
        images[offer.generation]?.phase = .live
    }

    mutating func retire(model: Name) {
        for (generation, entry) in images where entry.image.offer.model == model {
            images[generation] = (entry.image, .draining)
        }
    }

    mutating func forget(generation: UInt64) { images[generation] = nil }

    /// - Returns: whom to tell; nil when the generation is unknown or nobody listens.
    mutating func release(generation: UInt64) -> MessageStream? {
        images.removeValue(forKey: generation) == nil ? nil : session
    }

    var summaries: [HeldImage.Summary] {
        images.sorted { $0.key < $1.key }.map { HeldImage.Summary(offer: $0.value.image.offer, phase: $0.value.phase) }
    }
}
