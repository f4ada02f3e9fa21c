import Testing

@testable import ModelSync

@Suite struct GoldenRequestsTests {
    @Test func rowsAndAnswersAreRead() throws {
        let golden = try GoldenRequests(
            csv: Array("# by hand\n\na,b,margin,probability\r\n1,,-2.5,0.25\r\n# more\n3e0,4,1,1\n".utf8))
        #expect(golden.featureCount == 2 && golden.columns == ["margin", "probability"])
        #expect(golden.rows.count == 4 && golden.rows[0] == 1 && golden.rows[1].isNaN && golden.rows[2...] == [3, 4])
        #expect(golden.answers == [-2.5, 0.25, 1, 1])
        #expect(golden.lines == [4, 6])
    }

    @Test(arguments: [
        ("", 1), ("a,b\n1,2\n", 1), ("margin\n1\n", 1), ("a,margin,b\n", 1), ("a,margin\n", 2), ("a,margin\n1\n", 2),
        ("a,margin\n1,2,3\n", 2), ("a,margin\nx,1\n", 2), ("a,margin\n1,\n", 2), ("a,margin\n1,2\n1,y\n", 3),
        ("a,margin\n\u{FF}\u{FE}\n", 2),
    ])
    func whatIsNoGoldenFileIsAnErrorWithItsLine(text: String, line: Int) {
        do throws(GoldenError) {
            _ = try GoldenRequests(csv: Array(text.utf8))
            Issue.record("accepted")
        } catch {
            guard case .malformed(let found, _) = error else {
                Issue.record("another error: \(error)")
                return
            }
            #expect(found == line)
        }
    }
}
