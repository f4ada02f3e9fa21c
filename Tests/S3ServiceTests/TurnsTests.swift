import Synchronization
import Testing

@testable import S3Service

@Suite(.timeLimit(.minutes(1))) struct TurnsTests {
    @Test func noMoreHaveATurnThanThereAre() async {
        let turns = Turns(count: 2)
        let holders = Atomic<Int>(0)
        let most = Atomic<Int>(0)
        let doneCount = await withTaskGroup(of: Void.self, returning: Int.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    await turns.withTurn {
                        let now = holders.add(1, ordering: .relaxed).newValue
                        most.max(now, ordering: .relaxed)
                        holders.subtract(1, ordering: .relaxed)
                    }
                }
            }
            return await group.reduce(into: 0) { count, _ in count += 1 }
        }
        #expect(doneCount == 200)
        #expect(most.load(ordering: .relaxed) <= 2)
    }

    @Test func aTurnIsGivenBackWhenItsHolderFails() async {
        let turns = Turns(count: 1)
        await #expect(throws: CancellationError.self) { try await turns.withTurn { throw CancellationError() } }
        #expect(await turns.withTurn { 1 } == 1)
    }
}
