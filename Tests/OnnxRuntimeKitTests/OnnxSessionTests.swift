import Foundation
import ModelFormat
import ModelTypes
import OnnxRuntimeKit
import PropertyTesting
import Testing

/// Graphs run by the real library.
@Suite(.enabled(if: libraryPath != nil, withoutLibrary), .timeLimit(.minutes(3))) struct OnnxSessionTests {
    private static let names = ["convolution", "attention", "two-towers", "recurrent", "doubles"]

    /// All rows at once, one by one, and many times over: within the last bits of what the library answered row by row.
    @Test(arguments: names) func graphsAnswerAsTheLibraryDid(name: String) throws {
        let session = try session(try graphFile("\(name)/model.onnx"))
        let golden = try GraphRows(name)
        let (width, featureCount) = (session.interface.outputCount, session.interface.featureCount)
        try #require(golden.features.count == golden.rowCount * featureCount)
        try #require(golden.predictions.count == golden.rowCount * width)
        func check(_ found: [Double], _ what: String) {
            for (index, (found, expected)) in zip(found, golden.predictions).enumerated()
            where !(abs(found - expected) <= 1e-5 * max(1, abs(expected))) {
                Issue.record("\(what), row \(index / width): \(found), expected \(expected)")
            }
        }
        check(try predictions(session, golden.features, rowCount: golden.rowCount), "together")
        if session.interface.inputType == .float32 {
            check(try predictions(session, golden.features.map { Float($0) }, rowCount: golden.rowCount), "as Float")
        }
        var alone: [Double] = []
        for row in 0..<golden.rowCount {
            let features = Array(golden.features[row * featureCount..<(row + 1) * featureCount])
            alone += try predictions(session, features, rowCount: 1)
        }
        check(alone, "alone")
        // More than the library gets at once.
        let times = 3000 / golden.rowCount
        let many = Array(repeatElement(golden.features, count: times).joined())
        let found = try predictions(session, many, rowCount: times * golden.rowCount)
        #expect(found.count == times * golden.predictions.count)
        for start in stride(from: 0, to: found.count, by: golden.predictions.count) {
            check(Array(found[start..<start + golden.predictions.count]), "among many")
        }
    }

    /// The compiler of images reads the file, the executor asks the library: both must see the same.
    @Test(arguments: names) func theLibrarySeesWhatTheFileDeclares(name: String) throws {
        let bytes = try graphFile("\(name)/model.onnx")
        guard case .graph(let graph) = try ModelParser.parse(bytes.span, allowsRuntime: true).predictor else {
            Issue.record("no graph")
            return
        }
        #expect(try session(bytes).interface == graph.interface)
    }

    @Test func noRowsAreNoWork() throws {
        let session = try session(try graphFile("convolution/model.onnx"))
        #expect(try predictions(session, [] as [Float], rowCount: 0) == [])
    }

    @Test func integersAreCutAndNothingElseIsOne() throws {
        let session = try session(try graphFile("two-towers/model.onnx"))
        var row: [Double] = [3, 4, 5, 6, 0.5, 0.5, 0.5, 0.5]
        let expected = try predictions(session, row, rowCount: 1)
        row[0] = 3.9
        row[3] = 6.1
        #expect(try predictions(session, row, rowCount: 1) == expected)
        for (column, value, what) in [(0, Double.nan, "ids.0"), (2, 1e19, "ids.2"), (3, 2147483648, "site")] {
            var broken = row
            broken[column] = value
            do {
                _ = try predictions(session, row + broken, rowCount: 2)
                Issue.record("accepted")
            } catch {
                #expect("\(error)".hasPrefix("the model does not take these rows: \(what) of row 2 is"), "\(error)")
            }
        }
        #expect(try predictions(session, row, rowCount: 1) == expected)
    }

    /// The library's own refusal of rows is told as one, and the next rows are answered.
    @Test func aLookUpOutsideTheTableIsTheRowsFault() throws {
        let session = try session(try graphFile("two-towers/model.onnx"))
        let row: [Double] = [3, 4, 5, 6, 0.5, 0.5, 0.5, 0.5]
        var outside = row
        outside[1] = 20
        do {
            _ = try predictions(session, outside, rowCount: 1)
            Issue.record("accepted")
        } catch let error as GraphRunError {
            guard case .rows(let reason) = error else {
                Issue.record("another error: \(error)")
                return
            }
            #expect(reason.contains("out of data bounds"), "\(reason)")
        }
        #expect(try predictions(session, row, rowCount: 1)[0].isFinite)
    }

    @Test func anAnswerOfAnotherShapeIsAFailure() throws {
        let session = try session(try graphFile("refused/rows-lost.onnx"))
        do {
            _ = try predictions(session, [0, 0, 1, 1, 1, 1] as [Float], rowCount: 3)
            Issue.record("accepted")
        } catch let error as GraphRunError {
            guard case .failed(let reason) = error else {
                Issue.record("another error: \(error)")
                return
            }
            #expect(reason.contains("y has shape [4, 2] for 3 rows"), "\(reason)")
        }
    }

    @Test(arguments: [
        ("unknown-operator", "ONNX Runtime refuses the graph: "), ("external", "the graph keeps weights outside"),
        ("external-branch", "the graph keeps weights outside"),
        ("zipmap", "the graph cannot be served: output y is a sequence"),
        ("texts", "the graph cannot be served: a graph without an output of float32 or float64"),
        ("unknown-width", "the graph cannot be served: input x has a dimension that is not given"),
        ("half", "the graph cannot be served: input x has type 10"),
        ("eight-rows", "the graph cannot be served: input x is fixed to 8"),
        ("mean-of-rows", "the graph cannot be served: output y is fixed to 1 rows"),
    ])
    func whatIsNotServedIsRefusedInWords(name: String, what: String) throws {
        let bytes = try graphFile("refused/\(name).onnx")
        do {
            _ = try session(bytes)
            Issue.record("accepted")
        } catch {
            #expect(error is GraphRuntimeError && "\(error)".hasPrefix(what), "\(error)")
        }
    }

    @Test func whatIsCutIsRefused() throws {
        let bytes = try graphFile("attention/model.onnx")
        for length in stride(from: 0, to: bytes.count - 64, by: 53) {
            #expect(throws: GraphRuntimeError.self, "\(length)") { try session(Array(bytes.prefix(length))) }
        }
    }

    /// Always the same changes: what the library makes of others is not ours to test.
    @Test func changedFilesAreRefusedOrRun() throws {
        var random = SeededGenerator(seed: 63)
        let corpus = try Self.names.map { try graphFile("\($0)/model.onnx") }
        var counts = [0, 0]
        for index in 0..<400 {
            let bytes = Fuzz.changed(corpus[index % corpus.count], among: corpus, using: &random)
            do {
                let session = try session(bytes)
                let row = [Double](repeating: 0, count: session.interface.featureCount)
                _ = try? predictions(session, row, rowCount: 1)
                counts[0] += 1
            } catch {
                #expect(error is GraphRuntimeError && !"\(error)".isEmpty)
                counts[1] += 1
            }
        }
        #expect(counts[0] > 0 && counts[1] > 0)
        print("changed graphs: \(counts[0]) run, \(counts[1]) refused")
    }

    /// Sessions make no threads of their own, and one of them serves many threads at once.
    @Test func oneSessionServesManyThreadsAndMakesNone() async throws {
        let session = try session(try graphFile("attention/model.onnx"))
        let golden = try GraphRows("attention")
        let expected = try predictions(session, golden.features, rowCount: golden.rowCount)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<50).allSatisfy { _ in
                        (try? predictions(session, golden.features, rowCount: golden.rowCount)) == expected
                    }
                }
            }
            for await isSame in group { #expect(isSame) }
        }
        let before = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
        let sessions = try (0..<32).map { _ in try OnnxRuntimeKitTests.session(try graphFile("recurrent/model.onnx")) }
        for session in sessions { _ = try predictions(session, [Double](repeating: 0, count: 18), rowCount: 1) }
        let after = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
        // Other tests may start a thread meanwhile; a pool for each session would be dozens.
        #expect(after - before < 16)
    }
}
