/// Where a version of a model is on its way from the bucket into the executors.
enum SyncStep: String, Sendable, CaseIterable {
    /// A newer artifact was seen in the bucket.
    case noticed
    /// Its bytes are being read.
    case fetching
    /// They are the bytes that the store has.
    case verified
    /// The model file and the golden requests are out of the archive.
    case unpacked
    /// The model is an image.
    case compiled
    /// Artifact and image are durable in the cache.
    case cached
    /// The image is in sealed memory.
    case hydrated
    /// The image is valid, and its golden requests reproduce.
    case checked
    /// It was offered to the executors, or waits for one.
    case offered
    /// Executors answer from it.
    case live
    /// It was replaced; requests that began on it still run.
    case draining
    /// Nothing uses it any more.
    case retired
    /// It cannot be served, for the reason given.
    case failed
}

/// One step taken: when, for how long since the step before, and how many bytes it left behind.
struct StepRecord: Sendable, Equatable {
    let step: SyncStep
    /// RFC 3339.
    let at: String
    let duration: Duration
    /// Nil where the step makes no bytes.
    let bytes: UInt64?
}
