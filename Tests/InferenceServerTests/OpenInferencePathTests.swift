import Names
import Testing

@testable import InferenceServer

@Suite(.timeLimit(.minutes(3))) struct OpenInferencePathTests {
    @Test(
        arguments: [
            ("/v2", .server), ("/v2/", .server), ("/v2?x=1", .server), ("/v2/health/live", .live),
            ("/v2/health/ready?a", .ready), ("/v2/models/stats", .statistics),
            ("/v2/models/m", .model(name: "m", version: nil, .metadata)),
            ("/v2/models/m/", .model(name: "m", version: nil, .metadata)),
            ("/v2/models/m/ready", .model(name: "m", version: nil, .ready)),
            ("/v2/models/m/versions/7/infer", .model(name: "m", version: "7", .infer)),
            ("/v2/models/m/versions/7", .model(name: "m", version: "7", .metadata)),
            ("/v2/models/a/b/versions/x%2Fy/stats", .model(name: "a/b", version: "x/y", .stats)),
            ("/v2/models/a%20b%C3%A4/config", .model(name: "a bä", version: nil, .config)),
            ("/v2/models/infer", .model(name: "infer", version: nil, .metadata)),
            ("/v2/models/versions/versions/1/infer", .model(name: "versions", version: "1", .infer)),
            ("/v2/repository/index", .index), ("/v2/repository/models/a/b/load", .load(name: "a/b")),
            ("/v2/repository/models/m/unload", .unload(name: "m")),
        ] as [(String, OpenInferencePath)])
    func pathsAreRead(target: String, expected: OpenInferencePath) {
        #expect(OpenInferencePath(target) == expected)
    }

    @Test(arguments: [
        "/v2x", "/v2/models", "/v2/models/", "/v2/models//", "/v2/health", "/v2/health/live/x", "/v2/repository",
        "/v2/repository/models/m", "/v2/repository/models/load", "/v2/repository/models/m/drop", "/v2/models/%zz",
        "/v2/models/%ff", "/v2/models/%4", "/v1/models/m", "", "/v2/trace/setting",
    ])
    func otherPathsAreNone(target: String) {
        #expect(OpenInferencePath(target) == nil)
    }
}
