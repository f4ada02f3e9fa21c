import Logging
import Names
import S3Client
import S3Types
import Telemetry

/// Follows a bucket and tells, whenever something may have changed, which artifact is the newest of each model.
///
/// What is newest is always read from a listing, so that it is the same after a restart, a lost connection or with a store that
/// has no feed. The feed only says when to look, and where.
struct BucketWatch {
    let bucket: any ModelBucket
    let configuration: SyncConfiguration
    let logger: Logger
    let pause: @Sendable (Duration) async throws -> Void
    /// Told the newest artifacts of some models, or of all.
    let found: @Sendable ([Name: ArtifactReference]) async -> Void

    /// Runs until the task is cancelled.
    func run() async {
        var cursor: String?
        var failureCount = 0
        var lastProblem = ""
        while !Task.isCancelled {
            do throws(S3ClientError) {
                cursor = try await follow(after: cursor)
                failureCount = 0
                lastProblem = ""
            } catch {
                switch error {
                case .noFeed:
                    logger.info("store has no feed, polling")
                    let problem = await poll()
                    failureCount += 1
                    lastProblem = "\(problem)"
                case .cursorExpired:
                    cursor = nil
                    continue
                default:
                    let problem = "\(error)"
                    if problem != lastProblem {
                        logger.warning("store not reached", metadata: [LogKey.reason: "\(problem)"])
                    }
                    lastProblem = problem
                    failureCount += 1
                }
            }
            await rest(failureCount)
        }
    }

    /// - Returns: where to go on after the connection ended.
    private func follow(after cursor: String?) async throws(S3ClientError) -> String? {
        let position = Position(cursor)
        do throws(S3ClientError) {
            try await bucket.follow(prefix: configuration.prefix, after: cursor) { head in
                logger.info("following the store's feed")
                guard cursor == nil else { return }
                // Whatever happens from here on is in the feed: what the listing misses comes after it.
                await listAll()
                position.cursor = head
            } heard: { notices in
                for model in Set(notices.compactMap { ArtifactKey($0.key, prefix: configuration.prefix)?.model }) {
                    await list(model: model)
                }
                if let last = notices.last { position.cursor = last.sequencer }
            }
        } catch {
            if case .cursorExpired = error { throw error }
            if case .noFeed = error { throw error }
            // Broken off: go on where it was, after a pause.
            guard let reached = position.cursor, Name(reached) != Name(cursor ?? "") else { throw error }
            return reached
        }
        return position.cursor
    }

    /// A variable between two closures of one task.
    private final class Position {
        var cursor: String?
        init(_ cursor: String?) { self.cursor = cursor }
    }

    /// Lists again and again, until that fails.
    private func poll() async -> S3ClientError {
        while true {
            do throws(S3ClientError) {
                let objects = try await bucket.objects(prefix: configuration.prefix)
                await found(ArtifactReference.newest(of: objects, prefix: configuration.prefix))
            } catch {
                logger.warning("store not reached", metadata: [LogKey.reason: "\(error)"])
                return error
            }
            do { try await pause(configuration.pollInterval) } catch { return .cancelled }
        }
    }

    private func listAll() async {
        await listUntilDone(prefix: configuration.prefix)
    }

    private func list(model: Name) async {
        await listUntilDone(prefix: configuration.prefix + model.text + "/")
    }

    /// Listing must not be given up while the feed is open: what it would have found is in no later event.
    private func listUntilDone(prefix: String) async {
        var failureCount = 0
        while !Task.isCancelled {
            do throws(S3ClientError) {
                let objects = try await bucket.objects(prefix: prefix)
                return await found(ArtifactReference.newest(of: objects, prefix: configuration.prefix))
            } catch {
                logger.warning("listing failed", metadata: [LogKey.reason: "\(error)"])
                failureCount += 1
                await rest(failureCount)
            }
        }
    }

    private func rest(_ failureCount: Int) async {
        let doubled = configuration.shortestPause * (1 << min(failureCount, 16))
        // Cancellation ends the pause, and the loop around it.
        try? await pause(min(doubled, configuration.longestPause) * Double.random(in: 0.5...1))
    }
}
