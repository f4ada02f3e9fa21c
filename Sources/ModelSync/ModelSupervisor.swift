import Digests
import DurableFiles
import Handoff
package import Logging
package import ModelCache
import ModelImage
import Names
import S3Client
import S3Types
import Synchronization
import Telemetry

/// Keeps executors supplied with the models of a bucket: one state machine for each model, and the work that they ask for.
///
/// The machines decide under their locks; everything that takes time happens here, outside of them: bytes come over the
/// network in tasks, models are prepared on threads of their own, executors are spoken to on the threads of their links.
package final class ModelSupervisor: Sendable {
    private let configuration: SyncConfiguration
    private let bucket: any ModelBucket
    private let cache: ModelCache
    private let marks: PreparationMarks
    private let preparation: Preparation
    private let gates = DigestGates()
    private let clock: SyncClock
    private let logger: Logger
    private let pause: @Sendable (Duration) async throws -> Void
    private let entries = Mutex<[Name: ModelEntry]>([:])
    private let slots = Mutex<[Name: ExecutorSlot]>([:])
    private let jobs: AsyncStream<Job>
    private let jobQueue: AsyncStream<Job>.Continuation
    private let retries: AsyncStream<Retry>
    private let retryQueue: AsyncStream<Retry>.Continuation
    private let unremembered = Mutex<[Name: ModelRecord]>([:])
    private let recordRetries: AsyncStream<Void>
    private let recordRetryQueue: AsyncStream<Void>.Continuation
    private let statusProblem = Mutex<String?>(nil)
    private let changes: AsyncStream<Void>
    private let changed: AsyncStream<Void>.Continuation

    /// An artifact to prepare; at most one for a model at a time.
    private struct Job: Sendable {
        let entry: ModelEntry
        let attempt: ModelMachine.Attempt
    }

    /// A model to look at again after a pause; at most one for a model at a time.
    private struct Retry: Sendable {
        let entry: ModelEntry
        let pause: Duration
    }

    /// - Parameters:
    ///   - pause: suspends for a time; a test passes its own.
    package init(
        configuration: SyncConfiguration, bucket: any ModelBucket, cache: ModelCache, logger: Logger,
        clock: SyncClock = .system(),
        pause: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.configuration = configuration
        self.bucket = bucket
        self.cache = cache
        self.marks = PreparationMarks(cache: cache, logger: logger)
        self.preparation = Preparation(cache: cache, marks: marks, runtime: configuration.graphRuntime)
        self.logger = logger
        self.clock = clock
        self.pause = pause
        (jobs, jobQueue) = AsyncStream.makeStream()
        (retries, retryQueue) = AsyncStream.makeStream()
        // However many changes there are, the status is written once for all of them.
        (recordRetries, recordRetryQueue) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (changes, changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Runs until the task is cancelled. The executors go on with what they hold.
    ///
    /// - Parameter ready: called once what the cache remembers is in memory and the executors are being connected; the
    ///   store need not be there.
    package func run(ready: @Sendable () -> Void) async {
        await restoreAll()
        startLinks()
        ready()
        await withTaskCancellationHandler {
            await work()
        } onCancel: {
            marks.stop()
        }
        await stopLinks()
        await onThread(name: "status") { [self] in writeStatus() }
    }

    private func work() async {
        await withTaskGroup { group in
            let watch = BucketWatch(
                bucket: bucket, configuration: configuration, logger: logger, pause: pause,
                found: { [self] newest in await notice(newest) })
            group.addTask { await watch.run() }
            group.addTask { [self] in await prepareAll() }
            group.addTask { [self] in await retryAll() }
            group.addTask { [self] in await publish() }
            group.addTask { [self] in await rememberLater() }
            await group.waitForAll()
        }
    }

    /// What `lodestore-sidecar status` shows.
    package var status: SyncStatus {
        let models = entries.withLock { Array($0.values) }.map { entry in entry.machine.withLock { ModelStatus($0) } }
        let executors = slots.withLock { Array($0.values) }.map { slot in
            let (isConnected, problem) = slot.status
            return ExecutorStatus(path: slot.path, isConnected: isConnected, problem: problem)
        }
        return SyncStatus(
            updated: clock.wallTime(), models: models.sorted { $0.model < $1.model },
            executors: executors.sorted { $0.path < $1.path })
    }

    // MARK: Carrying out decisions

    private func entry(_ model: Name) -> ModelEntry {
        let (entry, isNew) = entries.withLock { entries in
            if let entry = entries[model] { return (entry, false) }
            let entry = ModelEntry(model: model, clock: clock)
            entries[model] = entry
            return (entry, true)
        }
        guard isNew else { return entry }
        // An executor that connected before the entry could be seen holds nothing of the model; one that connects from here
        // on tells the entry itself.
        for slot in slots.withLock({ Array($0.values) }) where slot.status.isConnected {
            entry.machine.withLock { machine in
                if machine.executors[slot.path] == nil { _ = machine.connected(slot.path, live: nil, draining: []) }
            }
        }
        return entry
    }

    /// Does what a machine decided. Blocks: never on the shared pool.
    private func perform(_ actions: ModelMachine.Actions, for entry: ModelEntry) {
        for path in actions.update {
            guard let slot = slots.withLock({ $0[path] }) else { continue }
            if let error = slot.update(entry) {
                logger.warning(
                    "offer not sent",
                    metadata: [LogKey.model: "\(entry.model)", LogKey.executor: "\(path)", LogKey.reason: "\(error)"])
            }
        }
        if let (image, source) = actions.remember { remember(image, source: source) }
        if let attempt = actions.start { jobQueue.yield(Job(entry: entry, attempt: attempt)) }
        if let pause = actions.retryAfter { retryQueue.yield(Retry(entry: entry, pause: pause)) }
        changed.yield()
    }

    private func remember(_ image: HotImage, source: ArtifactReference) {
        let record = ModelRecord(
            model: image.model, version: image.version, objectKey: source.key.text, etag: source.etag.text,
            sizeBytes: source.sizeBytes, artifactDigest: image.artifactDigest, imageDigest: image.imageDigest)
        let isFirst = unremembered.withLock { $0.removeValue(forKey: image.model) == nil }
        do throws(ModelCacheError) {
            try cache.remember(record)
        } catch {
            if isFirst {
                logger.warning(
                    "live version not remembered",
                    metadata: [LogKey.model: "\(image.model)", LogKey.reason: "\(error)"])
            }
            unremembered.withLock { $0[image.model] = record }
            recordRetryQueue.yield()
        }
    }

    /// Tries again what a full or failing disk did not take, until it does: a restart without the store needs it.
    private func rememberLater() async {
        for await _ in recordRetries {
            do { try await pause(.seconds(5)) } catch { return }
            await onThread(name: "remember") { [self] in
                for (model, record) in unremembered.withLock({ $0 }) {
                    do throws(ModelCacheError) {
                        try cache.remember(record)
                        unremembered.withLock { $0[model] = $0[model] == record ? nil : $0[model] }
                        logger.info("live version remembered", metadata: [LogKey.model: "\(model)"])
                    } catch {
                        // It was said when it failed first.
                        recordRetryQueue.yield()
                    }
                }
            }
        }
    }

    private func notice(_ newest: [Name: ArtifactReference]) async {
        let noticed = newest.map { (entry($0.key), $0.value) }
        await onThread(name: "notice") { [self] in
            for (entry, reference) in noticed { perform(entry.machine.withLock { $0.notice(reference) }, for: entry) }
        }
    }

    // MARK: The cache at the start

    private func restoreAll() async {
        await onThread(name: "restore") { [self] in
            marks.judge()
            do throws(ModelCacheError) {
                let (records, problems) = try cache.records()
                for problem in problems { logger.warning("record not read", metadata: [LogKey.reason: "\(problem)"]) }
                for record in records { restore(record) }
            } catch {
                logger.warning("cache not read", metadata: [LogKey.reason: "\(error)"])
            }
        }
    }

    private func restore(_ record: ModelRecord) {
        let entry = entry(record.model)
        let facts: Logger.Metadata = [
            LogKey.model: "\(record.model)", LogKey.modelVersion: "\(record.version)",
            LogKey.digest: "\(record.artifactDigest)",
        ]
        do throws(PreparationError) {
            let key = try? ObjectKey(record.objectKey)
            let isBundle = key.flatMap { ArtifactKey($0, prefix: configuration.prefix)?.isBundle }
            let image = try preparation.restoredImage(
                of: Preparation.Input(
                    model: record.model, version: record.version, isBundle: isBundle ?? true,
                    digest: record.artifactDigest, objectKey: record.objectKey, etag: record.etag))
            var source: ArtifactReference?
            // Without them the artifact is fetched once more, found to be the same, and not swapped.
            if let key, let etag = try? ETag(record.etag), let isBundle {
                source = ArtifactReference(key: key, etag: etag, sizeBytes: record.sizeBytes, isBundle: isBundle)
            }
            perform(entry.machine.withLock { $0.restored(image, source: source) }, for: entry)
            logger.info("model restored from the cache", metadata: facts)
        } catch {
            logger.warning(
                "model not restored from the cache", metadata: facts.merging([LogKey.reason: "\(error)"]) { $1 })
        }
    }

    // MARK: Preparing

    /// Takes jobs as they come, a few at a time.
    private func prepareAll() async {
        await withTaskGroup(of: Void.self) { group in
            var running = 0
            for await job in jobs {
                // What may have ended a process is tried with nothing beside it, so that it is known afterwards.
                let isAlone = marks.isSuspect(job.attempt.reference)
                while running == configuration.preparationCount || (isAlone && running > 0) {
                    await group.next()
                    running -= 1
                }
                running += 1
                group.addTask { [self] in await prepare(job.attempt, for: job.entry) }
                if isAlone {
                    await group.next()
                    running -= 1
                }
            }
            group.cancelAll()
        }
    }

    /// However many pauses end at one time, the models are looked at one by one, on one thread.
    private func retryAll() async {
        let (due, dueQueue) = AsyncStream<ModelEntry>.makeStream()
        await withDiscardingTaskGroup { group in
            group.addTask { [self] in
                for await entry in due {
                    await onThread(name: "retry") { [self] in
                        perform(entry.machine.withLock { $0.retry() }, for: entry)
                    }
                }
            }
            for await retry in retries {
                group.addTask { [self] in
                    do { try await pause(retry.pause) } catch { return }
                    dueQueue.yield(retry.entry)
                }
            }
            dueQueue.finish()
            group.cancelAll()
        }
    }

    private func prepare(_ attempt: ModelMachine.Attempt, for entry: ModelEntry) async {
        let reference = attempt.reference
        let progress = StepProgress(attempt: attempt, entry: entry, logger: logger) { [self] in changed.yield() }
        do throws(PreparationError) {
            try progress.took(.fetching, nil)
            let artifact: FetchedArtifact
            do throws(S3ClientError) {
                artifact = try await bucket.artifact(
                    reference.key, ifMatch: reference.etag, limitBytes: configuration.artifactLimitBytes)
            } catch {
                throw .bucket(error)
            }
            try progress.took(.verified, UInt64(artifact.bytes.count))
            let outcome = await onThread(name: "prepare") { [self] in
                prepared(artifact, attempt, for: entry, progress: progress)
            }
            try outcome.get()
        } catch {
            await fail(attempt, error, step: progress.step, for: entry)
        }
    }

    private func prepared(
        _ artifact: FetchedArtifact, _ attempt: ModelMachine.Attempt, for entry: ModelEntry, progress: StepProgress
    ) -> Result<Void, PreparationError> {
        do throws(PreparationError) {
            let digest = unsafe ContentDigest(of: artifact.bytes.span.bytes)
            if let actions = entry.machine.withLock({
                $0.known(digest, imageVersion: ModelImageView.version, in: attempt)
            }) {
                logger.info(
                    "artifact is served already",
                    metadata: [LogKey.model: "\(entry.model)", LogKey.digest: "\(digest)"])
                perform(actions, for: entry)
                return .success(())
            }
            let input = Preparation.Input(
                model: entry.model, version: artifact.version, isBundle: attempt.reference.isBundle, digest: digest,
                objectKey: attempt.reference.key.text, etag: attempt.reference.etag.text)
            let image = try gates.withGate(digest) { () throws(PreparationError) in
                defer { makeRoom() }
                return try preparation.image(
                    of: input, bytes: artifact.bytes, isCached: cache.contains(.artifact(digest)), took: progress.took)
            }
            let actions = entry.machine.withLock { $0.prepared(image, in: attempt) }
            perform(actions, for: entry)
            return .success(())
        } catch {
            if case .cache(let cause) = error, cause.isDiskFull { makeRoom(isDiskFull: true) }
            return .failure(error)
        }
    }

    /// Keeps the cache within its budget; what any executor may need again stays.
    private func makeRoom(isDiskFull: Bool = false) {
        let inUse = entries.withLock { Array($0.values) }.flatMap { entry in
            entry.machine.withLock { machine in
                [machine.current?.image.artifactDigest, machine.candidate?.image.artifactDigest].compactMap { $0 }
            }
        }
        do {
            for key in try cache.evict(keeping: gates.digests.union(inUse), isDiskFull: isDiskFull) {
                logger.info("dropped from the cache", metadata: [LogKey.digest: "\(key)"])
            }
        } catch {
            logger.warning("cache not tidied", metadata: [LogKey.reason: "\(error)"])
        }
    }

    private func fail(
        _ attempt: ModelMachine.Attempt, _ error: PreparationError, step: SyncStep, for entry: ModelEntry
    ) async {
        if Task.isCancelled { return }
        let actions: ModelMachine.Actions
        if case .superseded = error {
            actions = entry.machine.withLock { $0.abandoned(attempt) }
        } else {
            logger.warning(
                "model failed",
                metadata: [
                    LogKey.model: "\(entry.model)", LogKey.key: "\(attempt.reference.key)",
                    LogKey.step: "\(step.rawValue)", LogKey.reason: "\(error)",
                ])
            actions = entry.machine.withLock {
                $0.failed("\(error)", at: step, isPassing: error.isPassing, in: attempt)
            }
        }
        await onThread(name: "failed") { [self] in perform(actions, for: entry) }
    }

    // MARK: Executors

    private func startLinks() {
        for path in configuration.executors.map({ Name($0) }) {
            let slot = ExecutorSlot(path: path) { [self] event in heard(event, from: path) }
            slots.withLock { $0[path] = slot }
        }
        for slot in slots.withLock({ Array($0.values) }) { slot.start() }
    }

    private func stopLinks() async {
        let stopped = slots.withLock { slots in
            defer { slots = [:] }
            return Array(slots.values)
        }
        await onThread(name: "stop") { for slot in stopped { slot.stop() } }
    }

    /// On the link's thread, one event at a time.
    private func heard(_ event: ExecutorLink.Event, from path: Name) {
        switch event {
        case .connected(let hello, let live, let draining):
            connected(path, hello, live: live, draining: draining)
        case .live(let generation):
            forEachEntry { entry in
                let (actions, version) = entry.machine.withLock { machine -> (ModelMachine.Actions, String?) in
                    let isMine = machine.executors[path]?.offered?.generation == generation
                    let actions = machine.live(generation, on: path)
                    return (actions, isMine ? machine.executors[path]?.live?.image.version : nil)
                }
                guard let version else { return }
                log("model live", entry, path, generation, version: version)
                perform(actions, for: entry)
            }
        case .refused(let generation, let refusal):
            forEachEntry { entry in
                let isMine = entry.machine.withLock { $0.executors[path]?.offered?.generation == generation }
                guard isMine else { return }
                log("model refused", entry, path, generation, reason: refusal.reason)
                perform(entry.machine.withLock { $0.refused(generation, on: path, reason: refusal.reason) }, for: entry)
            }
        case .released(let generation):
            forEachEntry { entry in
                guard entry.machine.withLock({ $0.released(generation, on: path) }) else { return }
                log("model retired", entry, path, generation)
            }
            changed.yield()
        case .disconnected(let error), .unreachable(let error):
            let isRepeated = slots.withLock { $0[path] }?.disconnected("\(error)") ?? false
            logger.log(
                level: isRepeated ? .debug : .warning, "executor not connected",
                metadata: [LogKey.executor: "\(path)", LogKey.reason: "\(error)"])
            changed.yield()
            forEachEntry { entry in perform(entry.machine.withLock { $0.disconnected(path) }, for: entry) }
        }
    }

    private func connected(_ path: Name, _ hello: Hello, live: [HeldImage], draining: [HeldImage]) {
        guard let slot = slots.withLock({ $0[path] }) else { return }
        let isRepeated = slot.connected(highestGeneration: hello.highestGeneration)
        logger.log(
            level: isRepeated ? .debug : .info, "executor connected",
            metadata: [LogKey.executor: "\(path)", LogKey.count: "\(live.count + draining.count)"])
        for image in live + draining { _ = entry(image.offer.model) }
        forEachEntry { entry in
            let held = live.first { $0.offer.model == entry.model }
            let generations = Set(draining.lazy.map(\.offer).filter { $0.model == entry.model }.map(\.generation))
            perform(entry.machine.withLock { $0.connected(path, live: held, draining: generations) }, for: entry)
        }
        changed.yield()
    }

    private func forEachEntry(_ body: (ModelEntry) -> Void) {
        for entry in entries.withLock({ Array($0.values) }) { body(entry) }
    }

    private func log(
        _ message: Logger.Message, _ entry: ModelEntry, _ path: Name, _ generation: UInt64, version: String? = nil,
        reason: String? = nil
    ) {
        var metadata: Logger.Metadata = [
            LogKey.model: "\(entry.model)", LogKey.executor: "\(path)", LogKey.generation: "\(generation)",
        ]
        if let version { metadata[LogKey.modelVersion] = "\(version)" }
        if let reason { metadata[LogKey.reason] = "\(reason)" }
        logger.info(message, metadata: metadata)
    }

    // MARK: Status

    private func publish() async {
        for await _ in changes {
            await onThread(name: "status") { [self] in writeStatus() }
        }
    }

    private func writeStatus() {
        var problem: String?
        do throws(FileError) {
            try StatusFile(directory: cache.directory).write(status)
        } catch {
            problem = "\(error)"
        }
        let wasProblem = statusProblem.withLock { known in
            defer { known = problem }
            return known
        }
        // Said when it begins, and not for each change of each model.
        if let problem, wasProblem == nil {
            logger.warning("status not written", metadata: [LogKey.reason: "\(problem)"])
        }
    }
}
