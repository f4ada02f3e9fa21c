import Digests
import DurableFiles
import Logging
import ModelCache
import S3Types
import Synchronization
import Telemetry

/// Remembers, over the end of the process, what was being prepared: a version that ended it is not tried again.
///
/// A mark is durable before an artifact is looked at. At a start, the one mark that is found condemns its artifact; of several
/// none can be told from the others, so that each is tried once more, with nothing beside it. Marks of an earlier boot of the
/// machine, and what a stop that was asked for leaves behind, condemn nobody: `Docs/Decisions/0054-what-a-pushed-file-can-do.md`.
final class PreparationMarks: Sendable {
    private struct State {
        var known: [ContentDigest: PreparationMark] = [:]
        var isStopping = false
    }

    private let cache: ModelCache
    private let logger: Logger
    private let boot: String
    private let state = Mutex(State())

    /// - Parameter boot: names the time since the machine was started.
    init(cache: ModelCache, logger: Logger, boot: String = PreparationMarks.currentBoot) {
        self.cache = cache
        self.logger = logger
        self.boot = boot
    }

    /// Judges what an earlier process left. Before anything is prepared.
    func judge() {
        let found: [PreparationMark]
        do throws(ModelCacheError) {
            let (marks, damaged) = try cache.marks()
            found = marks
            for path in damaged { logger.warning("a damaged mark was dropped", metadata: [LogKey.path: "\(path)"]) }
        } catch {
            return logger.warning("marks not read", metadata: [LogKey.reason: "\(error)"])
        }
        let running = found.filter { $0.state == .running && $0.boot.utf8.elementsEqual(boot.utf8) }
        for mark in found {
            switch mark.state {
            case .running where !mark.boot.utf8.elementsEqual(boot.utf8): remove(mark.artifactDigest)
            case .running: settle(mark, as: running.count == 1 ? .condemned : .suspect)
            case .suspect, .condemned: settle(mark, as: mark.state)
            }
        }
    }

    private func settle(_ mark: PreparationMark, as state: PreparationMark.State) {
        var settled = mark
        settled.state = state
        self.state.withLock { $0.known[mark.artifactDigest] = settled }
        logger.warning(
            state == .condemned ? "preparing a version ended the process" : "a version may have ended the process",
            metadata: [
                LogKey.model: "\(mark.model)", LogKey.key: "\(mark.objectKey)",
                LogKey.digest: "\(mark.artifactDigest)", LogKey.path: "\(cache.markPath(mark.artifactDigest))",
            ])
        guard settled != mark else { return }
        do throws(ModelCacheError) {
            try cache.mark(settled)
        } catch {
            // Until the next start it is known here; and then the mark as it was says the same of one, and more of several.
            logger.warning("mark not written", metadata: [LogKey.reason: "\(error)"])
        }
    }

    /// Whether an artifact of the bucket is to be prepared with nothing beside it.
    func isSuspect(_ reference: ArtifactReference) -> Bool {
        state.withLock { state in
            state.known.values.contains {
                $0.state == .suspect && $0.etag.utf8.elementsEqual(reference.etag.text.utf8)
            }
        }
    }

    /// Before an artifact is looked at.
    ///
    /// - Throws: ``PreparationError/endedTheProcess(mark:)``, or ``PreparationError/cache(_:)`` when the mark cannot be kept:
    ///   nothing is begun then.
    func begin(_ input: Preparation.Input) throws(PreparationError) {
        let (isCondemned, isStopping) = state.withLock { state in
            (state.known[input.digest]?.state == .condemned, state.isStopping)
        }
        if isCondemned { throw .endedTheProcess(mark: cache.markPath(input.digest)) }
        if isStopping { throw .superseded }
        let mark = PreparationMark(
            artifactDigest: input.digest, state: .running, boot: boot, model: input.model, objectKey: input.objectKey,
            etag: input.etag)
        do throws(ModelCacheError) {
            try cache.mark(mark)
        } catch {
            throw .cache(error)
        }
        let stopsNow = state.withLock { state in
            state.known[input.digest] = mark
            return state.isStopping
        }
        if stopsNow { end(input.digest) }
    }

    /// After it, whatever became of it.
    func end(_ digest: ContentDigest) {
        state.withLock { $0.known[digest] = nil }
        remove(digest)
    }

    /// The process is told to stop: whatever ends it from here on is no artifact's fault.
    func stop() {
        let running = state.withLock { state in
            state.isStopping = true
            return state.known.values.filter { $0.state == .running }
        }
        for mark in running { remove(mark.artifactDigest) }
    }

    private func remove(_ digest: ContentDigest) {
        do throws(ModelCacheError) {
            try cache.unmark(digest)
        } catch {
            logger.warning("mark not removed", metadata: [LogKey.reason: "\(error)"])
        }
    }

    /// Source: proc_sys_kernel(5), `random/boot_id`.
    private static var currentBoot: String {
        // Where it cannot be read, every process is of one boot.
        guard let bytes = try? InputFile("/proc/sys/kernel/random/boot_id").readAll(limitBytes: 100) else { return "" }
        return String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self)
    }
}
