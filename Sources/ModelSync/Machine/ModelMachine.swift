import Digests
import Handoff
import Names
import S3Types
import SealedMemory

/// The state of one model: what the bucket has, what is being prepared, what the executors serve.
///
/// Decides and does nothing: every method returns what its caller has to do, after letting go of the lock. The newest
/// artifact in the bucket is the one that is wanted; whatever goes wrong with it, what is live stays live.
struct ModelMachine: ~Copyable {
    /// What the caller has to do. Nothing, unless said.
    struct Actions {
        /// Prepare this artifact.
        var start: Attempt?
        /// Bring these executors up to what is wanted now.
        var update: [Name] = []
        /// Write down that this is live.
        var remember: (image: HotImage, source: ArtifactReference)?
        /// Try the failed artifact again after a while.
        var retryAfter: Duration?
    }

    /// One artifact on its way.
    struct Attempt: Sendable, Equatable {
        let number: Int
        let reference: ArtifactReference
    }

    struct Failure: Sendable {
        let reference: ArtifactReference?
        let step: SyncStep
        let reason: String
        let at: String
    }

    /// What is known of one executor.
    struct Executor {
        var live: (generation: UInt64, image: HotImage)?
        var offered: (generation: UInt64, image: HotImage)?
        var draining: Set<UInt64> = []
        /// Whether what is live was released already: the word that another is live in its place is on its way.
        var isReleased = false
        var refusal: String?
        /// The image that it refused, which is not offered to it again.
        var refused: HotImage?
    }

    let model: Name
    private(set) var target: ArtifactReference?
    private(set) var attempt: Attempt?
    private(set) var failure: Failure?
    private(set) var steps: StepLog
    /// Prepared, and not yet live.
    private(set) var candidate: (image: HotImage, source: ArtifactReference?)?
    /// What is live, or was when the last executor went.
    private(set) var current: (image: HotImage, source: ArtifactReference?)?
    /// The executors that are connected now.
    private(set) var executors: [Name: Executor] = [:]
    private var attemptCount = 0
    private var passingFailureCount = 0

    init(model: Name, clock: SyncClock) {
        self.model = model
        self.steps = StepLog(clock: clock)
    }

    /// What an executor should have.
    var wanted: HotImage? { candidate?.image ?? current?.image }

    // MARK: The bucket

    /// The newest artifact in the bucket is this one.
    mutating func notice(_ reference: ArtifactReference) -> Actions {
        target = reference
        return reconciled()
    }

    /// The pause after a passing failure is over.
    mutating func retry() -> Actions {
        if let reference = failure?.reference, reference == target { failure = nil }
        return reconciled()
    }

    private mutating func reconciled() -> Actions {
        guard attempt == nil, let target else { return Actions() }
        let wantedSource = candidate.map(\.source) ?? current?.source
        if let wantedSource, wantedSource.etag == target.etag, wantedSource.sizeBytes == target.sizeBytes {
            // The same bytes pushed again are no swap. What is said of them themselves, a refusal by one of several executors,
            // stays.
            if failure?.reference != target { failure = nil }
            return Actions()
        }
        if failure?.reference == target { return Actions() }
        attemptCount += 1
        let attempt = Attempt(number: attemptCount, reference: target)
        self.attempt = attempt
        steps.restart(.noticed)
        return Actions(start: attempt)
    }

    // MARK: Preparation

    /// A step of an attempt has begun or ended.
    ///
    /// - Returns: whether to go on; false when a newer artifact came meanwhile.
    mutating func took(_ step: SyncStep, bytes: UInt64?, in attempt: Attempt) -> Bool {
        guard self.attempt == attempt, target == attempt.reference else { return false }
        steps.add(step, bytes: bytes)
        return true
    }

    /// Whether the artifact of an attempt is what is live or offered already, under another key or ETag: then there is nothing
    /// to prepare and nothing to swap.
    ///
    /// - Returns: nil when it is not, and the attempt goes on.
    mutating func known(_ digest: ContentDigest, imageVersion: UInt16, in attempt: Attempt) -> Actions? {
        guard self.attempt == attempt, let wanted, wanted.artifactDigest == digest, wanted.imageVersion == imageVersion
        else {
            return nil
        }
        failure = nil
        passingFailureCount = 0
        self.attempt = nil
        if candidate != nil {
            candidate?.source = attempt.reference
            steps.add(.offered, bytes: nil)
            return reconciled()
        }
        current?.source = attempt.reference
        steps.add(.live, bytes: nil)
        var actions = reconciled()
        actions.remember = (wanted, attempt.reference)
        return actions
    }

    mutating func prepared(_ image: HotImage, in attempt: Attempt) -> Actions {
        guard self.attempt == attempt else { return Actions() }
        self.attempt = nil
        passingFailureCount = 0
        guard target == attempt.reference else { return reconciled() }
        failure = nil
        candidate = (image, attempt.reference)
        steps.add(.offered, bytes: nil)
        return Actions(update: Array(executors.keys))
    }

    /// - Parameter isPassing: whether the same bytes may do later.
    mutating func failed(_ reason: String, at step: SyncStep, isPassing: Bool, in attempt: Attempt) -> Actions {
        guard self.attempt == attempt else { return Actions() }
        self.attempt = nil
        // What a newer artifact replaces has not failed.
        guard target == attempt.reference else { return reconciled() }
        steps.add(.failed, bytes: nil)
        failure = Failure(reference: attempt.reference, step: step, reason: reason, at: steps.now)
        guard isPassing else { return Actions() }
        passingFailureCount += 1
        return Actions(retryAfter: .seconds(min(60, 1 << min(passingFailureCount - 1, 6))))
    }

    /// The attempt found that a newer artifact came.
    mutating func abandoned(_ attempt: Attempt) -> Actions {
        guard self.attempt == attempt else { return Actions() }
        self.attempt = nil
        return reconciled()
    }

    /// What was live before this process began, out of the cache.
    mutating func restored(_ image: HotImage, source: ArtifactReference?) -> Actions {
        guard current == nil, candidate == nil else { return Actions() }
        current = (image, source)
        steps.add(.hydrated, bytes: UInt64(image.memory.sizeBytes))
        return Actions(update: Array(executors.keys))
    }

    // MARK: Executors

    /// An executor is connected.
    ///
    /// - Parameters:
    ///   - held: what of this model is live on it; nil for nothing.
    ///   - draining: the generations of this model whose requests still run.
    mutating func connected(_ path: Name, live held: HeldImage?, draining: Set<UInt64>) -> Actions {
        var executor = Executor()
        executor.draining = draining
        if let held, let image = adopted(held) { executor.live = (held.offer.generation, image) }
        executors[path] = executor
        if wanted == nil, let live = executor.live {
            // The cache is gone, or was never this process's: what is served goes on being served.
            current = (live.image, nil)
            steps.add(.live, bytes: nil)
            // Executors that came before it and hold nothing get it too.
            return Actions(update: Array(executors.keys))
        }
        var actions = settled()
        actions.update.append(path)
        return actions
    }

    /// The image in hand whose content an executor holds, or else the executor's own; nil when descriptors have run out, in
    /// which case it is offered anew.
    private func adopted(_ held: HeldImage) -> HotImage? {
        for known in [candidate?.image, current?.image] {
            if let known, known.isSame(as: held.offer) { return known }
        }
        return try? HotImage(adopting: held)
    }

    mutating func disconnected(_ path: Name) -> Actions {
        executors[path] = nil
        return settled()
    }

    /// Whether the wanted image has to be offered to an executor, and which it is.
    func due(_ path: Name) -> HotImage? {
        guard let executor = executors[path], let wanted else { return nil }
        if executor.offered?.image === wanted || executor.refused === wanted { return nil }
        if executor.offered == nil, executor.live?.image === wanted { return nil }
        return wanted
    }

    mutating func offered(_ image: HotImage, generation: UInt64, to path: Name) {
        executors[path]?.offered = (generation, image)
        executors[path]?.refusal = nil
    }

    mutating func live(_ generation: UInt64, on path: Name) -> Actions {
        guard var executor = executors[path], let offered = executor.offered, offered.generation == generation else {
            return Actions()
        }
        if let replaced = executor.live, !executor.isReleased { executor.draining.insert(replaced.generation) }
        executor.isReleased = false
        executor.live = offered
        executor.offered = nil
        executor.refused = nil
        executors[path] = executor
        return settled()
    }

    mutating func refused(_ generation: UInt64, on path: Name, reason: String) -> Actions {
        guard var executor = executors[path], let offered = executor.offered, offered.generation == generation else {
            return Actions()
        }
        executor.offered = nil
        executor.refused = offered.image
        executor.refusal = reason
        executors[path] = executor
        return settled()
    }

    /// The last request on a generation has ended. That may be said before the generation that replaced it is said to be live.
    ///
    /// - Returns: whether the generation was one of this model's.
    mutating func released(_ generation: UInt64, on path: Name) -> Bool {
        guard var executor = executors[path] else { return false }
        var isMine = executor.draining.remove(generation) != nil
        if executor.live?.generation == generation {
            isMine = true
            if executor.offered == nil { executor.live = nil } else { executor.isReleased = true }
        }
        executors[path] = executor
        return isMine
    }

    /// Once every executor has answered, the candidate is live where one took it, and dropped where all refused.
    private mutating func settled() -> Actions {
        guard let candidate, !executors.isEmpty else { return Actions() }
        let refusals = executors.filter { $0.value.refused === candidate.image }
        let takers = executors.filter { $0.value.offered == nil && $0.value.live?.image === candidate.image }
        guard refusals.count + takers.count == executors.count else { return Actions() }
        let reasons = refusals.sorted { $0.key < $1.key }.map { "\($0.key) refuses it: \($0.value.refusal ?? "")" }
        failure =
            reasons.isEmpty
            ? nil
            : Failure(
                reference: candidate.source, step: .offered, reason: reasons.joined(separator: "; "), at: steps.now)
        self.candidate = nil
        if takers.isEmpty {
            steps.add(.failed, bytes: nil)
            var actions = reconciled()
            // Those that have nothing get what is live elsewhere, or was.
            actions.update = Array(executors.keys)
            return actions
        }
        current = candidate
        steps.add(.live, bytes: nil)
        var actions = reconciled()
        if let source = candidate.source { actions.remember = (candidate.image, source) }
        return actions
    }
}
