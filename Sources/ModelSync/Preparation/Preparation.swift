import ArchiveKit
import Digests
import DurableFiles
import ModelCache
import ModelFormat
import ModelImage
import ModelTypes
import Names
import Scoring
import SealedMemory

/// Makes an image that is ready to be offered out of the bytes of an artifact. All calls block and burn CPU.
///
/// The bytes are hostile: archives are unpacked within limits, models are read as data, and nothing here runs anything.
struct Preparation: Sendable {
    /// How `ModelImage` lays images out, for the name in the cache.
    static let layout = "words"

    private let cache: ModelCache
    private let archiveLimits: ArchiveLimits
    private let runtime: (any GraphRuntime)?
    private let marks: PreparationMarks

    /// - Parameter runtime: runs graphs that are not translated; without it they are refused.
    init(
        cache: ModelCache, marks: PreparationMarks, archiveLimits: ArchiveLimits = ArchiveLimits(),
        runtime: (any GraphRuntime)? = nil
    ) {
        self.cache = cache
        self.marks = marks
        self.archiveLimits = archiveLimits
        self.runtime = runtime
    }

    /// What is to be prepared.
    struct Input {
        let model: Name
        let version: String
        let isBundle: Bool
        let digest: ContentDigest
        /// Where it came from.
        let objectKey: String
        let etag: String
    }

    static func imageKey(of digest: ContentDigest) -> CacheKey {
        .image(of: digest, version: ModelImageView.version, layout: layout)
    }

    /// Unpacks, compiles, caches, hydrates and checks.
    ///
    /// - Parameters:
    ///   - bytes: the artifact.
    ///   - isCached: whether the artifact itself is in the cache already.
    ///   - took: told each step as it ends; throws when the work has become pointless.
    func image(
        of input: Input, bytes: [UInt8], isCached: Bool, took: (SyncStep, UInt64?) throws(PreparationError) -> Void
    ) throws(PreparationError) -> HotImage {
        guard !bytes.isEmpty else { throw .emptyArtifact }
        try marks.begin(input)
        defer { marks.end(input.digest) }
        let bundle = try unpack(bytes, isBundle: input.isBundle)
        try took(.unpacked, UInt64(bundle.model.count))
        let key = Self.imageKey(of: input.digest)
        if !cache.contains(key) {
            let image = try Self.compile(bundle, artifactDigest: input.digest, allowsRuntime: runtime != nil)
            try took(.compiled, UInt64(image.count))
            try store(image, digest: unsafe ContentDigest(of: image.span.bytes), as: key)
        }
        if !isCached { try store(bytes, digest: input.digest, as: .artifact(input.digest)) }
        try took(.cached, nil)
        let hot = try hydrate(input)
        try took(.hydrated, UInt64(hot.memory.sizeBytes))
        do throws(PreparationError) {
            try check(hot.memory, golden: bundle.golden)
        } catch {
            // What failed its check must be looked at again from the start, also after a restart. That the files cannot be
            // removed is the lesser problem of the two.
            try? cache.drop(key)
            try? cache.drop(.artifact(input.digest))
            throw error
        }
        try took(.checked, nil)
        return hot
    }

    /// Gives an image out of the cache, compiled anew when only the artifact is there or is of use.
    func restoredImage(of input: Input) throws(PreparationError) -> HotImage {
        if cache.contains(Self.imageKey(of: input.digest)) {
            do throws(PreparationError) {
                let hot = try hydrate(input)
                try checkRestored(hot, input)
                return hot
            } catch .endedTheProcess(let mark) {
                throw .endedTheProcess(mark: mark)
            } catch {
                guard cache.contains(.artifact(input.digest)) else { throw error }
            }
        }
        let bytes = try cachedArtifact(input.digest)
        return try image(of: input, bytes: bytes, isCached: true) { _, _ in }
    }

    private func checkRestored(_ hot: HotImage, _ input: Input) throws(PreparationError) {
        // An image is checked memory; a graph is loaded by a library.
        guard runtime != nil else { return try check(hot.memory, golden: nil) }
        try marks.begin(input)
        defer { marks.end(input.digest) }
        try check(hot.memory, golden: nil)
    }

    private func cachedArtifact(_ digest: ContentDigest) throws(PreparationError) -> [UInt8] {
        let memory: SealedMemory
        do throws(ModelCacheError) {
            memory = try cache.hydrate(.artifact(digest)).taken()
        } catch {
            throw .cache(error)
        }
        do throws(SealedMemoryError) {
            let mapped = try memory.mapped()
            return unsafe Array(mapped.bytes)
        } catch {
            throw .memory(error)
        }
    }

    // MARK: Steps

    private func unpack(_ bytes: [UInt8], isBundle: Bool) throws(PreparationError) -> Bundle {
        guard isBundle else { return Bundle(file: bytes) }
        let members: [ArchiveMember]
        do throws(ArchiveError) {
            members = try Bundle.members(of: bytes, limits: archiveLimits)
        } catch {
            throw .archive(error)
        }
        return try Bundle(members: members)
    }

    static func compile(
        _ bundle: Bundle, artifactDigest: ContentDigest, allowsRuntime: Bool
    ) throws(PreparationError) -> [UInt8] {
        var description: ModelDescription
        do throws(ModelFormatError) {
            description = try ModelParser.parse(bundle.model.span, allowsRuntime: allowsRuntime)
        } catch {
            throw .format(error)
        }
        var encoders: FeatureEncoders?
        if let document = bundle.encoders {
            do throws(ModelFormatError) {
                let encoded = try EncodersDocument.parse(document.span, for: description)
                (description, encoders) = (encoded.model, encoded.encoders)
            } catch {
                throw .encoders(error)
            }
        }
        do throws(ImageCompilerError) {
            return try ImageCompiler.compile(
                description, artifactDigest: artifactDigest.bytes, encoders: encoders)
        } catch {
            throw .compiler(error)
        }
    }

    private func store(_ content: [UInt8], digest: ContentDigest, as key: CacheKey) throws(PreparationError) {
        let failure = unsafe content.withUnsafeBytes { bytes -> ModelCacheError? in
            do throws(ModelCacheError) {
                _ = try unsafe cache.store(bytes, digest: digest, as: key)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw .cache(failure) }
    }

    private func hydrate(_ input: Input) throws(PreparationError) -> HotImage {
        // The memory of a model keeps its descriptor for as long as any executor may need it.
        // An executor that is greeted hands back all that it holds, before what is known already is let go of again.
        if let shortage = OpenDescriptors.shortage(divisor: 2) { throw .descriptors(shortage) }
        do throws(ModelCacheError) {
            let content = try cache.hydrate(Self.imageKey(of: input.digest))
            let digest = content.digest
            return HotImage(
                model: input.model, version: input.version, artifactDigest: input.digest, imageDigest: digest,
                imageVersion: ModelImageView.version, memory: content.taken())
        } catch {
            throw .cache(error)
        }
    }

    private func check(_ memory: borrowing SealedMemory, golden: [UInt8]?) throws(PreparationError) {
        let mapped: MappedMemory
        do throws(SealedMemoryError) {
            mapped = try memory.mapped()
        } catch {
            throw .memory(error)
        }
        try unsafe Self.check(mapped.bytes, golden: golden, runtime: runtime)
        // The view reads the mapping until here.
        withExtendedLifetime(mapped) {}
    }

    /// Looks at an image as an executor will, has a graph loaded, and asks the golden requests.
    static func check(
        _ image: UnsafeRawBufferPointer, golden: [UInt8]?, runtime: (any GraphRuntime)?
    ) throws(PreparationError) {
        let view: ModelImageView
        do throws(ModelImageError) {
            view = try unsafe ModelImageView(validating: image)
        } catch {
            throw .image(error)
        }
        let predictor: Predictor
        do throws(PredictorError) {
            predictor = try Predictor(view, runtime: runtime)
        } catch {
            throw .predictor(error)
        }
        guard let golden else { return }
        do throws(GoldenError) {
            let requests = try GoldenRequests(csv: golden) { (feature, text) in
                view.encodedNumber(of: text.span, feature: feature)
            }
            try requests.check(predictor)
        } catch {
            throw .golden(error)
        }
    }
}
