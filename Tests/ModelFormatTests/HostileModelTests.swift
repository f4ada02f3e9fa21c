import Foundation
import ModelFormat
import ModelTypes
import PropertyTesting
import Testing

/// Artifacts that are cut, changed or made to harm: each is refused with a reason, or is a sound model.
@Suite(.timeLimit(.minutes(3))) struct HostileModelTests {
    private static let artifacts = [
        "xgboost-logistic/model.json", "xgboost-logistic/model.ubj", "xgboost-logistic/protocol2.pickle",
        "xgboost-logistic/protocol4.pickle", "xgboost-logistic/protocol5.pickle", "xgboost-categorical/model.ubj",
        "xgboost-dart/model.json", "xgboost-linear/model.ubj", "lightgbm-categorical/model.txt",
        "catboost-multiclass/model.cbm", "catboost-lossguide/model.cbm", "catboost-logloss/model.json",
        "catboost-depthwise/model.json", "fm-classification/model.json", "fm-libfm/model.libfm",
    ]

    @Test(arguments: artifacts)
    func changedArtifactsAreRefusedOrSound(path: String) throws {
        var random = SeededGenerator.printed(path)
        let sound = try read(path)
        var refusedCount = 0
        for _ in 0..<150 {
            let bytes = Fuzz.changed(sound, using: &random)
            do throws(ModelFormatError) { _ = try ModelParser.parse(bytes.span) } catch {
                refusedCount += 1
                #expect(error.offset <= bytes.count && !error.description.isEmpty)
            }
        }
        #expect(refusedCount > 0)
    }

    @Test(arguments: artifacts)
    func everyPrefixIsRefused(path: String) throws {
        // What follows the trees of a LightGBM model does not bear on predictions.
        let whole = try read(path)
        let end = Data(whole).range(of: Data("end of trees".utf8))?.lowerBound ?? whole.count
        let bytes = whole.prefix(end)
        for length in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 100)) {
            let prefix = Array(bytes.prefix(length))
            #expect(throws: ModelFormatError.self) { try ModelParser.parse(prefix.span) }
        }
    }

    @Test func theBinaryModelSurvivesChangesToo() throws {
        // A booster of one tree: root and two leaves.
        let sound = Self.binaryModel()
        let model = try ModelParser.parse(sound.span)
        #expect(model.featureCount == 2 && model.source.writerVersion == "1.2")
        let headless = Array(sound.dropFirst(4))
        #expect(try ModelParser.parse(headless.span).predictor == model.predictor)
        var random = SeededGenerator.printed()
        for _ in 0..<2_000 {
            var bytes = sound
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 4..<bytes.count, using: &random)] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(
                    using: &random)!
            }
            _ = try? ModelParser.parse(bytes.span)
        }
        for length in 4..<sound.count - 20 {
            let prefix = Array(sound.prefix(length))
            #expect(throws: ModelFormatError.self) { try ModelParser.parse(prefix.span) }
        }
    }

    @Test(arguments: ["posix.system", "builtins.eval", "os.system", "subprocess.Popen", "xgboost.core.DMatrix"])
    func picklesThatNameOtherCallablesAreRefusedByName(name: String) {
        let parts = name.split(separator: ".")
        let module = parts.dropLast().joined(separator: ".")
        let old = [0x80, 2] + Array("c\(module)\n\(parts.last!)\n(X".utf8) + [2, 0, 0, 0] + Array("idtR.".utf8)
        let new: [UInt8] =
            [0x80, 4, 0x8C, UInt8(module.utf8.count)] + Array(module.utf8) + [0x8C, UInt8(parts.last!.utf8.count)]
            + Array(parts.last!.utf8) + [0x93, 0x29, 0x52, 0x2E]
        for pickle in [old, new] {
            let error = #expect(throws: ModelFormatError.self) { try ModelParser.parse(pickle.span) }
            #expect(error?.reason == .refusedCallable(name))
        }
    }

    @Test func deepNestingIsRefusedWithoutRunningOutOfStack() {
        let json = Array("{\"learner\":".utf8) + Array(repeating: UInt8(ascii: "["), count: 1_000_000)
        #expect(throws: ModelFormatError.self) { try ModelParser.parse(json.span) }
        let ubjson = Array("{i".utf8) + [1] + Array("x".utf8) + Array(repeating: UInt8(ascii: "["), count: 1_000_000)
        #expect(throws: ModelFormatError.self) { try ModelParser.parse(ubjson.span) }
        // Tuples within tuples, each one byte.
        let pickle: [UInt8] = [0x80, 4, 0x4E] + Array(repeating: 0x85, count: 1_000_000) + [0x2E]
        #expect(throws: ModelFormatError.self) { try ModelParser.parse(pickle.span) }
    }

    @Test func countsBeyondTheBytesAllocateNothing() {
        let huge =
            Array("{i".utf8) + [7] + Array("learner{i".utf8) + [13] + Array("feature_types[$d#L".utf8) + [
                0x3F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
            ]
        let error = #expect(throws: ModelFormatError.self) { try ModelParser.parse(huge.span) }
        #expect(error?.reason == .truncated)
    }

    @Test(arguments: ["", "{", "hello", "PK\u{3}\u{4}", "\u{7F}ELF"])
    func otherFilesAreUnknown(text: String) {
        let bytes = Array(text.utf8)
        #expect(throws: ModelFormatError(.unknownFormat, at: 0)) { try ModelParser.parse(bytes.span) }
    }

    private func read(_ path: String) throws -> [UInt8] { try modelVector(path) }

    /// A legacy binary model, field by field.
    static func binaryModel() -> [UInt8] {
        var bytes = Array("binf".utf8)
        func put(_ values: UInt32...) {
            for value in values {
                for shift in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(8 * shift))) }
            }
        }
        func put(_ text: String) {
            put(UInt32(text.utf8.count), 0)
            bytes += text.utf8
        }
        put((0.5 as Float).bitPattern, 2, 0, 0, 0, 1, 2, 0, 0)
        bytes += Array(repeating: 0, count: 100)
        put("binary:logistic")
        put("gbtree")
        put(1, 1, 2, 0, 0, 0, 1, 0)
        bytes += Array(repeating: 0, count: 128)
        put(1, 3, 0, 1, 2, 0)
        bytes += Array(repeating: 0, count: 124)
        let none = UInt32(bitPattern: -1)
        put(none, 1, 2, 1 | 1 << 31, (0.25 as Float).bitPattern)
        put(0, none, none, 0, (1 as Float).bitPattern)
        put(0, none, none, 0, (-1 as Float).bitPattern)
        bytes += Array(repeating: 0, count: 48)
        put(0)
        return bytes
    }
}
