import Testing

@testable import Launch

@Suite(.timeLimit(.minutes(3))) struct ProgressBarTests {
    @Test(arguments: [
        (0, "[..............................] 0% 7 rows"), (50, "[###############...............] 50% 7 rows"),
        (100, "[##############################] 100% 7 rows"), (300, "[##############################] 100% 7 rows"),
        (99, "[#############################.] 99% 7 rows"),
    ])
    func showsTheShareThatIsDone(done: Int, shown: String) {
        #expect(ProgressBar.text(doneCount: done, of: 100, note: "7 rows") == shown)
    }

    @Test func isNotShownWhereNobodyKnowsTheTotal() {
        #expect(ProgressBar(totalCount: nil) == nil)
        #expect(ProgressBar(totalCount: 0) == nil)
    }
}
