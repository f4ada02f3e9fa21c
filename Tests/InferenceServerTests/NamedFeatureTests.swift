import ModelTypes
import Testing

@testable import InferenceServer

struct NamedFeatureTests {
    @Test func rowsMayNameTheirFeaturesInEveryForm() async throws {
        try await ServerHarness.serving { harness in
            try harness.adopt("a", version: "1", generation: 1, bias: 0, featureNames: ["x", "y", "z"])
            let client = PlainClient(port: harness.port)
            let json = client.predict(
                #"{"instances":[{"z":3,"x":1,"y":2},[1,2,3]]}"#, ["Content-Type": "application/json"])
            #expect(json?.body == #"{"predictions": [6.0, 6.0]}"#)
            let lines = client.predict(
                "{\"x\":1,\"y\":2,\"z\":3}\n[4,5,6]\n", ["Content-Type": "application/jsonlines"])
            #expect(lines?.body == "{\"score\": 6.0}\n{\"score\": 15.0}\n")
            #expect(lines?.fields["content-type"] == "application/jsonlines")
            let csv = client.predict("z,y,x\n3,2,1\n6,5,4\n", ["Content-Type": "text/csv; header=present"])
            #expect(csv?.body == "6.0\n15.0\n")
            let unknown = client.predict(
                #"{"instances":[{"w":3}]}"#, ["Content-Type": "application/json"])
            #expect(unknown?.status == 400 && unknown?.body.contains(#"the model has no feature \"w\""#) == true)
            // A generation without names takes the place of the one that had them.
            try harness.adopt("a", version: "2", generation: 2, bias: 0)
            let nameless = client.predict(#"[{"x":1}]"#, ["Content-Type": "application/json"])
            #expect(nameless?.status == 400 && nameless?.body.contains("send them by position") == true)
        }
    }

    /// The sidecar put the bundle's encoders into the image; clients send texts.
    @Test func textsBecomeTheNumbersOfTheImagesEncoders() async throws {
        let encoders = try FeatureEncoders(
            [
                .init(
                    feature: 1, categories: [.init(text: "mobile", number: 10), .init(text: "a,b", number: 20)],
                    unknown: 90)
            ], featureCount: 3)
        try await ServerHarness.serving { harness in
            try harness.adopt(
                "a", version: "1", generation: 1, bias: 0, featureNames: ["x", "device", "z"], encoders: encoders)
            let client = PlainClient(port: harness.port)
            let json = client.predict(
                #"{"instances":[{"device":"mobile","x":1},[1,"a,b",3],[1,"fridge",3],[1,10,3]]}"#,
                ["Content-Type": "application/json"])
            #expect(json?.body == #"{"predictions": [11.0, 24.0, 94.0, 14.0]}"#)
            let csv = client.predict("1,mobile,3\n1,\"a,b\",3\n")
            #expect(csv?.body == "14.0\n24.0\n")
            let refused = client.predict(#"[["mobile",1,2]]"#, ["Content-Type": "application/json"])
            #expect(refused?.status == 400, "a feature without an encoder takes numbers alone")
        }
    }
}
