import Foundation
import ModelImage
import OnnxRuntimeKit
import Testing

@testable import ModelSync

private let libraryPath = ProcessInfo.processInfo.environment["LODESTORE_ONNX_RUNTIME"]

private func graphFile(_ path: String) throws -> [UInt8] {
    let folder = (#filePath as NSString).deletingLastPathComponent + "/../../Data/Vectors/Graphs/"
    return Array(try Data(contentsOf: URL(fileURLWithPath: folder + path)))
}

private func bundle(_ path: String, golden: String? = nil) throws -> [UInt8] {
    var archive = TarBuilder()
    archive.add("model.onnx", try graphFile(path))
    if let golden { archive.add("golden.csv", Array(golden.utf8)) }
    return archive.finished()
}

private func refusal(_ artifact: [UInt8], _ runtime: OnnxRuntime?) -> String? {
    do {
        _ = try OfflineCompiler.image(of: artifact, runtime: runtime)
        return nil
    } catch { return "\(error)" }
}

/// Graphs that are not translated, without a library: refused as ever, with the way to have them served.
@Suite(.timeLimit(.minutes(3))) struct UntranslatedGraphTests {
    @Test func theRefusalNamesTheOperatorAndTheFlag() throws {
        let reason = refusal(try bundle("convolution/model.onnx"), nil)
        #expect(reason?.hasPrefix("the model is not translated: not supported: operator Conv, at byte") == true)
        #expect(reason?.hasSuffix("; with --onnx-runtime, ONNX Runtime runs it") == true)
    }

    @Test func whatNobodyRunsGetsNoHint() throws {
        let reason = refusal(try bundle("refused/unknown-width.onnx"), nil)
        #expect(reason?.hasPrefix("the model cannot be read: not supported: ") == true)
        #expect(reason?.contains("--onnx-runtime") == false)
    }
}

/// With the library: compiled, loaded once, and asked the golden requests.
@Suite(
    .enabled(if: libraryPath != nil, "LODESTORE_ONNX_RUNTIME is not set: it is the path of libonnxruntime.so"),
    .timeLimit(.minutes(3))) struct GraphBundleTests
{
    private func runtime() throws -> OnnxRuntime { try OnnxRuntime(path: try #require(libraryPath)) }

    /// The golden rows as a bundle has them: `prediction` for the one column of answers.
    @Test(arguments: ["convolution", "two-towers", "doubles"]) func goldenRequestsReproduce(name: String) throws {
        let golden = String(decoding: try graphFile("\(name)/golden.csv"), as: UTF8.self)
        let image = try OfflineCompiler.image(
            of: try bundle("\(name)/model.onnx", golden: golden), runtime: try runtime())
        try image.withUnsafeBytes { bytes in
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
            defer { memory.deallocate() }
            memory.copyMemory(from: bytes)
            let view = try ModelImageView(validating: UnsafeRawBufferPointer(memory))
            let file = try graphFile("\(name)/model.onnx")
            #expect(view.isGraph && view.graph.elementsEqual(file))
        }
    }

    @Test func aGoldenRequestThatDoesNotReproduceIsSaid() throws {
        let zeros = Array(repeating: "0", count: 24).joined(separator: ",")
        let names = (0..<24).map { "f\($0)" }.joined(separator: ",")
        let artifact = try bundle("convolution/model.onnx", golden: "\(names),prediction\n\(zeros),0.25\n")
        #expect(refusal(artifact, try runtime())?.hasPrefix("golden request in line 2 does not reproduce") == true)
    }

    @Test func rowsThatTheGraphDoesNotTakeAreSaid() throws {
        let artifact = try bundle(
            "two-towers/model.onnx", golden: "a,b,c,d,e,f,g,h,prediction\n0,0,99,0,0,0,0,0,0\n")
        let reason = refusal(artifact, try runtime())
        #expect(reason?.hasPrefix("the golden requests: the model does not take these rows: ") == true)
    }

    /// What is right for two rows together is wrong for each alone.
    @Test func aGraphThatMixesRowsIsFoundOut() throws {
        let golden = "x,prediction\n0.5,0.5204998778\n-0.5,-0.5204998778\n"
        let reason = refusal(try bundle("refused/mixing.onnx", golden: golden), try runtime())
        #expect(
            reason == "golden request in line 2 is answered otherwise when it is asked alone: the graph mixes rows")
    }

    @Test(arguments: [
        ("unknown-operator", "ONNX Runtime refuses the graph: "),
        ("external", "the graph keeps weights outside of the file"),
        ("external-branch", "the graph keeps weights outside of the file"),
    ])
    func whatTheLibraryMayNotOrCannotRunIsRefused(name: String, what: String) throws {
        #expect(refusal(try bundle("refused/\(name).onnx"), try runtime())?.hasPrefix(what) == true)
    }

    /// An image that was made with the library is refused without it.
    @Test func anImageOfBeforeIsRefusedWithoutTheLibrary() throws {
        let image = try OfflineCompiler.image(of: try bundle("recurrent/model.onnx"), runtime: try runtime())
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: image.count, alignment: 64)
        defer { memory.deallocate() }
        image.withUnsafeBytes { memory.copyMemory(from: $0) }
        do throws(PreparationError) {
            try Preparation.check(UnsafeRawBufferPointer(memory), golden: nil, runtime: nil)
            Issue.record("accepted")
        } catch {
            #expect("\(error)" == "the model is a graph that only ONNX Runtime runs: --onnx-runtime allows it")
        }
    }
}
