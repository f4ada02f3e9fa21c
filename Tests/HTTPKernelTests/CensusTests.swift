import Testing

@testable import HTTPKernel

@Suite(.timeLimit(.minutes(3))) struct CensusTests {
    /// A timer that fires late, when its wait has ended, must not end the next one.
    @Test func givingUpEndsTheWaitOfItsTurnAlone() async {
        let census = Census(limit: 1)
        _ = census.enter()
        let first = census.nextTurn()
        census.giveUp(first)
        // Given up before it began.
        #expect(await !census.untilEmpty(first))
        let second = census.nextTurn()
        census.giveUp(first)
        async let isEmpty = census.untilEmpty(second)
        census.leave()
        #expect(await isEmpty)
    }
}
