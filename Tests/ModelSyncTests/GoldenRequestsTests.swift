import ModelImage
import ModelTypes
import Scoring
import Testing

@testable import ModelSync

@Suite(.timeLimit(.minutes(3))) struct GoldenRequestsTests {
    @Test func rowsAndAnswersAreRead() throws {
        let golden = try GoldenRequests(
            csv: Array("# by hand\n\na,b,margin,probability\r\n1,,-2.5,0.25\r\n# more\n3e0,4,1,1\n".utf8))
        #expect(golden.featureCount == 2 && golden.columns.map(\.description) == ["margin", "probability"])
        #expect(golden.rows.count == 4 && golden.rows[0] == 1 && golden.rows[1].isNaN && golden.rows[2...] == [3, 4])
        #expect(golden.answers == [-2.5, 0.25, 1, 1])
        #expect(golden.lines == [4, 6])
    }

    @Test(arguments: [
        ("", 1), ("a,b\n1,2\n", 1), ("margin\n1\n", 1), ("a,margin,b\n", 1), ("a,margin\n", 2), ("a,margin\n1\n", 2),
        ("a,margin\n1,2,3\n", 2), ("a,margin\nx,1\n", 2), ("a,margin\n1,\n", 2), ("a,margin\n1,2\n1,y\n", 3),
        ("a,margin\n\u{FF}\u{FE}\n", 2), ("a,margin,margin[x]\n1,2,3\n", 1), ("a,margin[-1]\n1,2\n", 1),
        ("a,margin[00]\n1,2\n", 1), ("a,margin[0\n1,2\n", 1), ("a,margins\n1,2\n", 1),
        ("a,margin[9999999999999999999]\n1,2\n", 1),
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

    @Test func whatIsTooMuchIsRefusedWhereItBegins() {
        let manyRows = "a,margin\n" + String(repeating: "1,1\n", count: GoldenRequests.rowLimitCount + 1)
        let many = [
            ("a,margin\n1,2" + String(repeating: ",", count: 1_000_000), 2, "more than 2 fields"),
            (String(repeating: ",", count: GoldenRequests.columnLimitCount + 1), 1, "columns"),
            ("a,margin\n" + String(repeating: "1", count: GoldenReader.fieldLimitBytes + 1), 2, "a field of more"),
            (manyRows, GoldenRequests.rowLimitCount + 2, "too many requests"),
        ]
        for (text, line, words) in many {
            #expect {
                try GoldenRequests(csv: Array(text.utf8))
            } throws: { error in
                guard case GoldenError.malformed(let found, let what) = error else { return false }
                return found == line && what.contains(words)
            }
        }
    }

    @Test func aModelThatTakesTooLongIsRefused() {
        #expect(throws: GoldenError.tooSlow(line: 2, patience: .zero)) {
            try check("x,margin\n3,3\n", marginCount: 1, transform: .identity, patience: .zero)
        }
    }

    @Test func everyRequestIsAskedOverManySlices() throws {
        let lines = (0..<5000).map { "\($0),\($0)" }
        try check("x,margin\n" + lines.joined(separator: "\n"), marginCount: 1, transform: .identity)
        for wrong in [0, 1, 2, 1023, 2046, 2047, 4999] {
            var changed = lines
            changed[wrong] = "\(wrong),-1"
            #expect(
                throws: GoldenError.mismatch(
                    line: wrong + 2, column: "margin", expected: -1, answered: Double(wrong))
            ) {
                try check("x,margin\n" + changed.joined(separator: "\n"), marginCount: 1, transform: .identity)
            }
        }
    }

    /// Margins of one row are its feature, twice it and nothing.
    private func check(
        _ text: String, marginCount: Int = 3, transform: OutputTransform = .softmax,
        patience: Duration = GoldenRequests.patience
    ) throws {
        let weights: [Double] = [1, 2, 0]
        let linear = try LinearPredictor(
            featureCount: 1, accumulator: .float64, startValues: Array(repeating: 0, count: marginCount),
            weights: Array(weights.prefix(marginCount)))
        let model = ModelDescription(
            predictor: .linear(linear), featureNames: [], transform: transform, objective: "", bestIteration: nil,
            source: ModelSource(format: .lightGBMText, writerVersion: ""))
        let image = try ImageCompiler.compile(model, artifactDigest: Array(repeating: 0, count: 32))
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: image.count, alignment: 64)
        defer { memory.deallocate() }
        memory.copyBytes(from: image)
        let view = try ModelImageView(validating: UnsafeRawBufferPointer(memory))
        try GoldenRequests(csv: Array(text.utf8)).check(Predictor(view, runtime: nil), patience: patience)
    }

    @Test func severalAnswersOfARowHaveAColumnEach() throws {
        // softmax of 0, 0, 0 and of ln 2, ln 4, 0.
        let answers = "0,0.3333333333333333,0.3333333333333333,0.3333333333333333\n"
        let others = "0.6931471805599453,0.2857142857142857,0.5714285714285714,0.14285714285714285\n"
        for kind in ["prediction", "probability"] {
            try check("x,\(kind)[0],\(kind)[1],\(kind)[2]\n" + answers + others)
        }
        try check("x,margin[2],margin[0],margin[1]\n3,0,3,6\n")
        try check(
            "x,margin[0],margin[1],prediction[0],margin[2],prediction[1],prediction[2]\n"
                + "0,0,0,0.3333333333333333,0,0.3333333333333333,0.3333333333333333\n")
        #expect(
            throws: GoldenError.mismatch(line: 2, column: "margin[1]", expected: 7, answered: 6)
        ) { try check("x,margin[0],margin[1],margin[2]\n3,3,7,0\n") }
    }

    @Test func twoPredictionsOfOneMarginHaveAColumnEach() throws {
        let text = "x,margin,prediction[0],prediction[1]\n0.25,0.25,0.75,0.25\n"
        for text in [text, text.replacing("margin", with: "margin[0]")] {
            #expect(throws: Never.self) { try check(text, marginCount: 1, transform: .complementPair) }
        }
    }

    @Test(arguments: [
        ("x,margin\n3,3\n", 3, "margin[0] to margin[2]"), ("#\nx,margin[0],margin[1]\n3,3,6\n", 3, "margin[0] to"),
        ("x,margin[0],margin[1],margin[1]\n3,3,6,6\n", 3, "margin[0] to margin[2]"),
        ("x,margin[0],margin[1],margin[3]\n3,3,6,0\n", 3, "margin[0] to margin[2]"),
        ("x,margin[0],margin[1],margin[2],margin[3]\n3,3,6,0,0\n", 3, "margin[0] to margin[2]"),
        ("x,margin[0],margin[1],margin[2],margin\n3,3,6,0,0\n", 3, "margin[0] to margin[2]"),
        ("x,margin,margin\n3,3,3\n", 1, "the model has margin,"), ("x,margin[1]\n3,3\n", 1, "the model has margin,"),
        ("x,margin,margin[0]\n3,3,3\n", 1, "the model has margin,"),
    ])
    func columnsAreThoseOfTheModel(text: String, marginCount: Int, wanted: String) {
        #expect {
            try check(text, marginCount: marginCount, transform: .identity)
        } throws: { error in
            guard case GoldenError.malformed(let line, let what) = error else { return false }
            return line == (text.hasPrefix("#") ? 2 : 1) && what.contains(wanted)
        }
    }
}
