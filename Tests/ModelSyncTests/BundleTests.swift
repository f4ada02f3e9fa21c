import ArchiveKit
import Testing

@testable import ModelSync

/// What each file of an archive is for: used, known to have no effect, or refused by name.
@Suite(.timeLimit(.minutes(3))) struct BundleTests {
    private func bundle(_ paths: [String]) throws -> Bundle {
        try Bundle(members: paths.map { ArchiveMember(path: $0, bytes: Array($0.utf8)) })
    }

    @Test(arguments: [
        (["xgboost-model"], nil, nil), (["model/a.json", "model/encoders.json"], "model/encoders.json", nil),
        (["a.json", "GOLDEN.csv", "Encoders.Json"], "Encoders.Json", "GOLDEN.csv"),
        (["m/a.ubj", "golden.csv", "code/inference.py"], nil, "golden.csv"),
        (["m/a.ubj", "m/golden.csv", "code/inference.py", "README.md"], nil, "m/golden.csv"),
        (["__MACOSX/x/._golden.csv", "._a.json", "x/a.json", "x/golden.csv", "x/.DS_Store"], nil, "x/golden.csv"),
        (["xgboost-model.json", "metrics.json", "requirements.txt", "LICENSE", "MLmodel", "conda.yaml"], nil, nil),
        (["autoencoder.onnx", "encoders.json"], "encoders.json", nil),
    ])
    func whatIsUsedLiesAtTheRootOrBesideTheModel(paths: [String], encoders: String?, golden: String?) throws {
        let bundle = try bundle(paths)
        #expect(bundle.encoders == encoders.map { Array($0.utf8) })
        #expect(bundle.golden == golden.map { Array($0.utf8) })
    }

    @Test(arguments: [
        (["a.json", "old/golden.csv"], "old/golden.csv"), (["a.json", "code/encoders.json"], "code/encoders.json"),
        (["m/a.json", "x/Golden.CSV"], "x/Golden.CSV"), (["a.json", "golden.csv", "Golden.csv"], "one of them"),
        (["m/a.json", "golden.csv", "m/golden.csv"], "one of them"), (["a.json", "golden.csv.gz"], "golden.csv.gz"),
        (["a.json", "goldens.csv"], "goldens.csv"), (["a.json", "label_encoder.npz"], "label_encoder.npz"),
        (["xgboost-model", "label_encoder.pkl"], "label_encoder.pkl"), (["xgboost-model", "scaler.pkl"], "scaler.pkl"),
        (["xgboost-model", "encoder.json"], "encoder.json"), (["xgboost-model", "golden.json"], "golden.json"),
        (["a.json", "weights.npz"], "weights.npz"), (["a.json", "A.UBJ"], "lower case"), (["MODEL.TXT"], "lower case"),
        (["a.json", "data.parquet"], "data.parquet"), (["readme.txt"], "no model file"), ([], "no model file"),
    ])
    func whatWouldBePassedOverIsRefusedByName(paths: [String], words: String) {
        #expect {
            try bundle(paths)
        } throws: {
            "\($0)".contains(words)
        }
    }

    @Test func ofWhatHasNoEffectNothingIsKept() throws {
        var builder = TarBuilder()
        builder.add("model.txt", [1, 2])
        builder.add("notes.txt", [UInt8](repeating: 65, count: 100_000))
        builder.add("golden.csv", [3])
        let members = try Bundle.members(of: builder.finished(), limits: ArchiveLimits())
        #expect(members.map(\.bytes.count) == [2, 0, 1])
    }

    @Test func goldenRequestsAreCutOffAtTheirLimit() {
        var builder = TarBuilder()
        builder.add("golden.csv", [UInt8](repeating: 44, count: Int(GoldenRequests.limitBytes) + 1))
        #expect(throws: ArchiveError.memberTooLarge(path: "golden.csv", limitBytes: GoldenRequests.limitBytes)) {
            try Bundle.members(of: builder.finished(), limits: ArchiveLimits())
        }
    }
}
