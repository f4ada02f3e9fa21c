import Digests
import Names

/// Every message of the protocol, and its bytes: `Docs/Formats/handoff.md`.
enum HandoffMessage: Equatable, Sendable {
    /// Executor, first: the versions that it speaks and reads, and how many `held` follow.
    case hello(Hello)
    /// Executor, with one descriptor: an image that it holds.
    case held(ImageOffer, HeldImage.Phase)
    /// Sidecar, in answer to the hello: the protocol version for the rest.
    case begin(version: UInt16)
    /// Sidecar, with one descriptor.
    case offer(ImageOffer)
    /// Executor: every event loop has switched.
    case live(generation: UInt64)
    /// Executor: the offer is not taken.
    case refused(generation: UInt64, ImageRefusal)
    /// Executor: the last request on it has ended.
    case released(generation: UInt64)
    /// Sidecar: no request may be answered from the model any more.
    case retire(model: Name)
    /// Either end, last.
    case farewell(Farewell)

    static let headerByteCount = 8
    /// The largest body, in bytes. Every message fits with room to spare.
    static let bodyLimitBytes = 16 * 1024
    /// How many images an executor may hold.
    static let heldLimitCount = 4096

    /// Whether exactly one descriptor travels with the message; none does otherwise.
    var carriesDescriptor: Bool {
        switch self {
        case .held, .offer: true
        default: false
        }
    }

    // MARK: To bytes

    /// The whole message: header and body.
    func encoded() -> [UInt8] {
        var body = MessageWriter()
        let kind: UInt8
        switch self {
        case .hello(let hello):
            kind = 1
            hello.write(to: &body)
        case .held(let offer, let phase):
            kind = 2
            body.write(phase.rawValue)
            Self.write(offer, to: &body)
        case .begin(let version):
            kind = 3
            body.write(version)
        case .offer(let offer):
            kind = 4
            Self.write(offer, to: &body)
        case .live(let generation):
            kind = 5
            body.write(generation)
        case .refused(let generation, let refusal):
            kind = 6
            body.write(generation)
            body.write(refusal.code.rawValue)
            body.write(text: refusal.reason, limitBytes: ImageRefusal.reasonLimitBytes)
        case .released(let generation):
            kind = 7
            body.write(generation)
        case .retire(let model):
            kind = 8
            body.write(text: model.text, limitBytes: ImageOffer.modelLimitBytes)
        case .farewell(let farewell):
            kind = 9
            body.write(farewell.code.rawValue)
            body.write(text: farewell.reason, limitBytes: ImageRefusal.reasonLimitBytes)
        }
        precondition(body.bytes.count <= Self.bodyLimitBytes, "every message is within the limit")
        var header = MessageWriter()
        header.write(UInt32(body.bytes.count))
        header.write(kind)
        header.write(UInt8(carriesDescriptor ? 1 : 0))
        header.write(UInt16(0))
        return header.bytes + body.bytes
    }

    private static func write(_ offer: ImageOffer, to body: inout MessageWriter) {
        body.write(offer.generation)
        body.write(offer.sizeBytes)
        body.write(offer.imageVersion)
        body.write(raw: offer.artifactDigest.bytes)
        body.write(raw: offer.imageDigest.bytes)
        body.write(text: offer.model.text, limitBytes: ImageOffer.modelLimitBytes)
        body.write(text: offer.version, limitBytes: ImageOffer.versionLimitBytes)
    }

    // MARK: From bytes

    /// What the first bytes of a message say.
    struct Header: Equatable {
        let bodyByteCount: Int
        let kind: UInt8
        let hasDescriptor: Bool

        /// - Throws: ``HandoffError/violation(_:)`` before anything is allocated for the body.
        init(_ bytes: [UInt8]) throws(HandoffError) {
            var reader = MessageReader(bytes)
            let count = try reader.readUInt32()
            self.kind = try reader.readUInt8()
            let descriptorCount = try reader.readUInt8()
            let reserved = try reader.readUInt16()
            guard count <= UInt32(HandoffMessage.bodyLimitBytes) else {
                throw .violation("a message of \(count) bytes")
            }
            guard descriptorCount <= 1, reserved == 0 else { throw .violation("a malformed header") }
            self.bodyByteCount = Int(count)
            self.hasDescriptor = descriptorCount == 1
        }
    }

    /// - Throws: ``HandoffError/violation(_:)`` for an unknown kind, a field out of bounds, or bytes too few or too many.
    init(_ header: Header, body: [UInt8]) throws(HandoffError) {
        var reader = MessageReader(body)
        switch header.kind {
        case 1: self = .hello(try Hello(from: &reader))
        case 2:
            let number = try reader.readUInt8()
            guard let phase = HeldImage.Phase(rawValue: number) else { throw .violation("image phase \(number)") }
            self = .held(try Self.readOffer(from: &reader), phase)
        case 3: self = .begin(version: try reader.readUInt16())
        case 4: self = .offer(try Self.readOffer(from: &reader))
        case 5: self = .live(generation: try reader.readUInt64())
        case 6:
            let generation = try reader.readUInt64()
            // A newer peer may know more reasons; the words are what counts.
            let code = ImageRefusal.Code(rawValue: try reader.readUInt16()) ?? .other
            let reason = try reader.readText(limitBytes: ImageRefusal.reasonLimitBytes)
            self = .refused(generation: generation, ImageRefusal(code: code, reason: reason))
        case 7: self = .released(generation: try reader.readUInt64())
        case 8: self = .retire(model: Name(try reader.readText(limitBytes: ImageOffer.modelLimitBytes)))
        case 9:
            let code = Farewell.Code(rawValue: try reader.readUInt16()) ?? .violation
            self = .farewell(
                Farewell(code: code, reason: try reader.readText(limitBytes: ImageRefusal.reasonLimitBytes)))
        default: throw .violation("message kind \(header.kind)")
        }
        try reader.finish()
        guard header.hasDescriptor == carriesDescriptor else { throw .violation("a descriptor too few or too many") }
    }

    private static func readOffer(from reader: inout MessageReader) throws(HandoffError) -> ImageOffer {
        let generation = try reader.readUInt64()
        let sizeBytes = try reader.readUInt64()
        let imageVersion = try reader.readUInt16()
        let artifactDigest = try reader.readDigest()
        let imageDigest = try reader.readDigest()
        let model = Name(try reader.readText(limitBytes: ImageOffer.modelLimitBytes))
        let version = try reader.readText(limitBytes: ImageOffer.versionLimitBytes)
        do {
            return try ImageOffer(
                generation: generation, model: model, version: version, artifactDigest: artifactDigest,
                imageDigest: imageDigest, imageVersion: imageVersion, sizeBytes: sizeBytes)
        } catch {
            throw .violation("\(error)")
        }
    }
}
