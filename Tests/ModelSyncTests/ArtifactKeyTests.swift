import ArchiveKit
import Names
import S3Types
import Testing

@testable import ModelSync

@Suite(.timeLimit(.minutes(3))) struct ArtifactKeyTests {
    @Test(arguments: [
        ("click/model.tar.gz", "", "click", true), ("click/7/model.tar.gz", "", "click", true),
        ("team/models/click/m.tgz", "team/models/", "click", true), ("click/model.zip", "", "click", true),
        ("click/xgboost-model", "", "click", false), ("click/m.json", "", "click", false),
        ("a b/ü/x.ubj", "", "a b", false),
        ("click/m.pkl", "", "click", false), ("click/model.onnx", "", "click", false),
        ("click/model.txt", "", "click", false),
        ("click/x.model", "", "click", false), ("../model.bin", "", "..", false),
        ("prefix-click/m.bin", "prefix-", "click", false), ("click/m.cbm", "", "click", false),
        ("click/m.libfm", "", "click", false),
    ])
    func keysNameModels(key: String, prefix: String, model: String, isBundle: Bool) throws {
        let artifact = try #require(ArtifactKey(try ObjectKey(key), prefix: prefix))
        #expect(artifact.model == Name(model) && artifact.isBundle == isBundle)
    }

    @Test(arguments: [
        ("model.tar.gz", ""), ("click/", ""), ("/model.tar.gz", ""), ("click//model.tar.gz", ""),
        ("a/b/c/model.tar.gz", ""),
        ("click/golden.csv", ""), ("click/readme.md", ""), ("click/readme.txt", ""), ("click/live.json", ""),
        ("click/7/manifest.json", ""), ("click/encoders.json", ""),
        ("click/.json", ""), ("click/.tar.gz", ""), ("other/model.tar.gz", "team/"), ("click/model.tar.gz/", ""),
        (String(repeating: "m", count: 256) + "/model.bin", ""),
    ])
    func otherKeysAreNoArtifacts(key: String, prefix: String) throws {
        #expect(ArtifactKey(try ObjectKey(key), prefix: prefix) == nil)
    }

    @Test func theNewestOfEachModelIsChosenAndTheLastInKeyOrderOfOneMoment() throws {
        func object(_ key: String, _ modified: String) throws -> BucketObject {
            BucketObject(key: try ObjectKey(key), etag: try ETag("e"), sizeBytes: 1, modified: modified)
        }
        let objects = [
            try object("a/1/m.bin", "2026-01-02T00:00:00.000Z"), try object("a/2/m.bin", "2026-01-01T00:00:00.000Z"),
            try object("b/1/m.bin", "2026-01-01T00:00:00.000Z"), try object("b/2/m.bin", "2026-01-01T00:00:00.000Z"),
            try object("b/readme", "2026-01-09T00:00:00.000Z"),
            try object("c/model.tar.gz", "2026-01-01T00:00:00.000Z"),
        ]
        for order in [objects, objects.reversed()] {
            let newest = ArtifactReference.newest(of: order, prefix: "")
            #expect(newest.mapValues(\.key.text) == ["a": "a/1/m.bin", "b": "b/2/m.bin", "c": "c/model.tar.gz"])
        }
    }

    @Test func aBundlesModelIsTheNamedOneOrTheOnlyOne() throws {
        func member(_ path: String) -> ArchiveMember { ArchiveMember(path: path, bytes: Array(path.utf8)) }
        #expect(try Bundle(members: [member("a.json"), member("x/xgboost-model")]).modelPath == "x/xgboost-model")
        #expect(try Bundle(members: [member("code/inference.py"), member("m.ubj")]).modelPath == "m.ubj")
        #expect(try Bundle(members: [member("m.ubj"), member("golden.csv")]).golden == Array("golden.csv".utf8))
        #expect(try Bundle(members: [member("m.json"), member("encoders.json")]).modelPath == "m.json")
        let encoded = try Bundle(members: [member("m.cbm"), member("encoders.json")])
        #expect(encoded.encoders == Array("encoders.json".utf8))
        for paths in [
            [], ["a.txt"], ["a.json", "b.json"], ["xgboost-model", "x/xgboost-model.json"],
            ["m.ubj", "x/golden.csv"], ["m.ubj", "x/encoders.json"],
        ] {
            #expect(throws: PreparationError.self) { _ = try Bundle(members: paths.map(member)) }
        }
    }
}
