import Foundation
import Launch
import Testing

struct SettingsTests {
    /// A configuration file that is gone with the closure.
    private func withFile(_ json: String, _ body: (String) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("settings-\(UUID()).json").path
        try json.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }

    @Test func flagBeatsVariableBeatsFile() async throws {
        try await withFile(#"{"listen": "file", "tls-key": "file", "workers": 3, "domains": ["a", "b"]}"#) { path in
            let settings = try await Settings(
                flags: ["listen": .text("flag"), "tls-key": nil], file: path,
                environment: ["LODESTORE_LISTEN": "variable", "LODESTORE_TLS_KEY": "variable"])
            #expect(try settings.text("listen") == "flag")
            #expect(try settings.text("tls-key") == "variable")
            #expect(try settings.integer("workers", in: 1...8) == 3)
            #expect(try settings.list("domains") == ["a", "b"])
            #expect(try settings.text("absent") == nil)
        }
    }

    @Test func variablesCarryNumbersAndLists() async throws {
        let settings = try await Settings(
            flags: [:], file: nil,
            environment: ["LODESTORE_WORKERS": "4", "LODESTORE_EXECUTOR": "/a,/b", "LODESTORE_INSECURE_LISTEN": "true"])
        #expect(try settings.integer("workers", in: 1...8) == 4)
        #expect(try settings.list("executor") == ["/a", "/b"])
        #expect(try settings.boolean("insecure-listen") == true)
    }

    @Test func aRefusalNamesKeyValueAndWhatIsAccepted() async throws {
        let settings = try await Settings(
            flags: ["workers": .integer(99)], file: nil, environment: ["LODESTORE_PORT": "many"])
        let tooMany = #expect(throws: ConfigurationError.self) { try settings.integer("workers", in: 1...8) }
        #expect(tooMany?.description == "workers is \"99\": accepted is a whole number from 1 to 8")
        let noNumber = #expect(throws: ConfigurationError.self) { try settings.integer("port", in: 1...65535) }
        #expect(noNumber?.description == "port is \"many\": accepted is a whole number from 1 to 65535")
        let missing = #expect(throws: ConfigurationError.self) { try settings.requiredText("tls-key") }
        #expect(missing?.description.contains("LODESTORE_TLS_KEY") == true)
    }

    @Test func brokenFilesAreNamed() async throws {
        await #expect(throws: ConfigurationError.self) {
            try await Settings(flags: [:], file: "/nonexistent/lodestore.json")
        }
        try await withFile("{") { path in
            await #expect(throws: ConfigurationError.self) { try await Settings(flags: [:], file: path) }
        }
    }
}
