import Synchronization
import Testing

@testable import S3Service

@Suite(.timeLimit(.minutes(1))) struct TurnsTests {
    private final class Counts: Sendable {
        let holders = Atomic<Int>(0)
        let most = Atomic<Int>(0)
    }

    @Test func noMoreHaveATurnThanThereAre() async {
        let turns = Turns(count: 2)
        let counts = Counts()
        let doneCount = await withTaskGroup(of: Void.self, returning: Int.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    await turns.withTurn {
                        let now = counts.holders.add(1, ordering: .relaxed).newValue
                        counts.most.max(now, ordering: .relaxed)
                        counts.holders.subtract(1, ordering: .relaxed)
                    }
                }
            }
            return await group.reduce(into: 0) { count, _ in count += 1 }
        }
        #expect(doneCount == 200)
        #expect(counts.most.load(ordering: .relaxed) <= 2)
    }

    @Test func aTurnIsGivenBackWhenItsHolderFails() async {
        let turns = Turns(count: 1)
        await #expect(throws: CancellationError.self) { try await turns.withTurn { throw CancellationError() } }
        #expect(await turns.withTurn { 1 } == 1)
    }
}
