import Foundation
import Launch
import Testing

@Suite(.timeLimit(.minutes(3))) struct SettingsTests {
    /// A configuration file that is gone with the closure.
    private func withFile(_ json: String, _ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("settings-\(UUID()).json").path
        try json.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    @Test func flagBeatsVariableBeatsFile() throws {
        try withFile(#"{"listen": "file", "tls-key": "file", "workers": 3, "domains": ["a", "b"]}"#) { path in
            let settings = try Settings(
                flags: ["listen": .text("flag"), "tls-key": nil, "workers": nil, "domains": nil], file: path,
                environment: ["LODESTORE_LISTEN": "variable", "LODESTORE_TLS_KEY": "variable"])
            #expect(try settings.text("listen") == "flag")
            #expect(try settings.text("tls-key") == "variable")
            #expect(try settings.integer("workers", in: 1...8) == 3)
            #expect(try settings.list("domains") == ["a", "b"])
            #expect(try settings.text("absent") == nil)
        }
    }

    @Test func variablesCarryNumbersAndLists() throws {
        let settings = try Settings(
            flags: [:], file: nil,
            environment: ["LODESTORE_WORKERS": "4", "LODESTORE_EXECUTOR": "/a,/b", "LODESTORE_INSECURE_LISTEN": "true"])
        #expect(try settings.integer("workers", in: 1...8) == 4)
        #expect(try settings.list("executor") == ["/a", "/b"])
        #expect(try settings.boolean("insecure-listen") == true)
    }

    @Test func aRefusalNamesKeyValueAndWhatIsAccepted() throws {
        let settings = try Settings(
            flags: ["workers": .integer(99)], file: nil, environment: ["LODESTORE_PORT": "many"])
        let tooMany = #expect(throws: ConfigurationError.self) { try settings.integer("workers", in: 1...8) }
        #expect(tooMany?.description == "workers is \"99\": accepted is a whole number from 1 to 8")
        let noNumber = #expect(throws: ConfigurationError.self) { try settings.integer("port", in: 1...65535) }
        #expect(noNumber?.description == "port is \"many\": accepted is a whole number from 1 to 65535")
        let missing = #expect(throws: ConfigurationError.self) { try settings.requiredText("tls-key") }
        #expect(missing?.description.contains("LODESTORE_TLS_KEY") == true)
    }

    @Test func brokenFilesAreNamed() throws {
        let missing = #expect(throws: ConfigurationError.self) {
            try Settings(flags: [:], file: "/nonexistent/lodestore.json")
        }
        #expect(missing?.description.contains("/nonexistent/lodestore.json: No such file") == true)
        for text in ["", "{", "[]", "3", #"{"workers": 1} more"#, #"{"workers": 1,}"#] {
            try withFile(text) { path in
                let error = #expect(throws: ConfigurationError.self, "\(text)") {
                    try Settings(flags: ["workers": nil], file: path)
                }
                #expect(error?.description.contains(path) == true)
            }
        }
    }

    @Test(
        arguments: [
            (#"{"max-row": 5}"#, #""max-row" OTHER"#), (#"{"name": "a", "Max-Rows": 5}"#, #""Max-Rows" OTHER"#),
            (#"{"max": {"rows": 5}}"#, #""max" OTHER"#),
            (
                #"{"max-rows": null}"#,
                #"max-rows is "null": TAKEN"#
            ),
            (
                #"{"max-rows": {"name": 5}}"#,
                #"max-rows is "an object": TAKEN"#
            ),
            (#"{"max-rows": 5, "max-rows": 6}"#, #"max-rows is "given twice in FILE": accepted is one value"#),
        ])
    func aFileHoldsSettingsOfTheProgramAndNothingElse(text: String, refusal: String) throws {
        try withFile(text) { path in
            let error = #expect(throws: ConfigurationError.self) {
                try Settings(flags: ["max-rows": .integer(1), "name": nil], file: path)
            }
            let taken =
                "accepted is a text, a number, true or false, or a list of texts; leave the setting out for its default"
            let said =
                refusal.replacingOccurrences(
                    of: "OTHER", with: "in the configuration file FILE is no setting: accepted are max-rows, name"
                ).replacingOccurrences(of: "FILE", with: path)
            #expect(error?.description == said.replacingOccurrences(of: "TAKEN", with: taken))
        }
    }

    @Test(arguments: [
        (#"{"max-rows": true}"#, "true"), (#"{"max-rows": 5.5}"#, "5.5"), (#"{"max-rows": "5"}"#, "5"),
        (#"{"max-rows": ["5", "6"]}"#, "5,6"), (#"{"max-rows": 0}"#, "0"), (#"{"max-rows": 1e300}"#, "1e+300"),
    ])
    func aNumberInTheFileIsANumber(text: String, shown: String) throws {
        try withFile(text) { path in
            let settings = try Settings(flags: ["max-rows": nil], file: path)
            let error = #expect(throws: ConfigurationError.self) { try settings.integer("max-rows", in: 1...9) }
            #expect(error?.description == "max-rows is \"\(shown)\": accepted is a whole number from 1 to 9")
        }
    }

    @Test func certificatesThatCannotBeUsedAreAWrongSetting() throws {
        struct Unusable: Error {}
        let settings = try Settings(
            flags: ["tls-certificate": .text("/c.pem"), "tls-key": .text("/k.pem")], file: nil, environment: [:])
        let read = try settings.tlsIdentity { "\($0) \($1)" }
        #expect(read == "/c.pem /k.pem")
        let error = #expect(throws: ConfigurationError.self) { try settings.tlsIdentity { _, _ in throw Unusable() } }
        #expect(error?.description.hasPrefix("tls-certificate is \"/c.pem\": accepted is") == true)
        #expect(error?.description.contains("/k.pem") == true)
        let without = try Settings(flags: [:], file: nil, environment: [:])
        #expect(try without.tlsIdentity { "\($0) \($1)" } == nil)
    }
}
