import HTTPKernel
import ObjectEngine

/// Gives memory that connections no longer need back to the system.
///
/// The engine keeps the allocator from doing so by itself, since to map and fault in a chunk's buffer costs four times the copying.
/// So it is done when there was much more in use, and has not been for some time: a load that goes on, however it swings, keeps its
/// pages. It takes some milliseconds on a thread of the engine, and a fault for each page that is used again.
struct MemoryUpkeep {
    static let interval = Duration.seconds(3)
    /// Less than this is kept.
    static let worthwhileBytes = 32 << 20
    /// What a connection takes for being there, about.
    static let connectionBytes = 16 << 10

    /// What was in use at the most since memory was last given back.
    private var highBytes = 0
    /// The same for the interval before the last look.
    private var recentBytes = 0

    /// Whether to give memory back now.
    ///
    /// - Parameter peakBytes: the most that was in use since the last look.
    mutating func look(peakBytes: Int) -> Bool {
        self.highBytes = max(self.highBytes, peakBytes)
        let calm = max(self.recentBytes, peakBytes)
        self.recentBytes = peakBytes
        guard self.highBytes - calm >= Self.worthwhileBytes else { return false }
        self.highBytes = calm
        return true
    }

    /// Looks until it is cancelled.
    static func run(_ shares: ConnectionShares, on executor: EngineExecutor) async {
        var upkeep = MemoryUpkeep()
        // Cancelled when the server stops.
        while (try? await Task.sleep(for: Self.interval)) != nil {
            let connections = shares.descriptors.count(of: .stranger) + shares.descriptors.count(of: .signer)
            guard upkeep.look(peakBytes: shares.memory.takePeak() + connections * Self.connectionBytes) else {
                continue
            }
            await withTaskExecutorPreference(executor) { await Self.giveBack() }
        }
    }

    @concurrent private static func giveBack() async { StorageEngine.giveBackMemory() }
}
