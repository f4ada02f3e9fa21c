import Foundation
import Names
import S3Types
import Testing

@testable import Launch

@Suite(.timeLimit(.minutes(3))) struct AccessKeysTests {
    @Test(
        arguments: [
            ("access-key=A\nsecret-key=12345678\n", ["A": "12345678"]),
            ("# a comment\n\n secret-key = 1234=678 \r\n access-key = A \n", ["A": "1234=678"]),
            (
                "[default]\naws_access_key_id = A\naws_secret_access_key=12345678\nregion=eu\n; more\n[two]\n"
                    + "aws_access_key_id=B\naws_secret_access_key=abcdefgh\n", ["A": "12345678", "B": "abcdefgh"]
            ),
            (
                "access-key=A\nsecret-key=12345678\naccess-key=B\nsecret-key=abcdefgh",
                ["A": "12345678", "B": "abcdefgh"]
            ),
        ] as [(String, [String: String])])
    func readsPairsOfKeys(text: String, expected: [String: String]) {
        #expect(AccessKeys.parse(text) == Dictionary(uniqueKeysWithValues: expected.map { (Name($0), Secret($1)) }))
    }

    @Test func keysThatDifferInTheirBytesAreTwo() {
        let keys = AccessKeys.parse("access-key=\u{212A}\nsecret-key=12345678\naccess-key=K\nsecret-key=abcdefgh\n")
        #expect(keys?["K"] == Secret("abcdefgh") && keys?["\u{212A}"] == Secret("12345678"))
    }

    @Test(arguments: [
        "", "access-key=A", "secret-key=12345678", "access-key=A\nsecret-key=short", "access-key=\nsecret-key=12345678",
        "access-key=A\nsecret-key=12345678\nsecret-key=12345678",
        "[a]\naccess-key=A\n[b]\nsecret-key=12345678",
        "access-key=A\nsecret-key=12345678\n[b]\naccess-key=A\nsecret-key=12345678",
    ])
    func refusesHalfPairsAndRepeats(text: String) { #expect(AccessKeys.parse(text) == nil) }

    @Test func aFileThatOthersCanReadIsRefused() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("keys-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let made = FileManager.default.createFile(
            atPath: path, contents: Data("access-key=A\nsecret-key=12345678\n".utf8),
            attributes: [.posixPermissions: 0o644])
        #expect(made)
        let refusal = #expect(throws: ConfigurationError.self) { try AccessKeys.read(path, key: "credentials") }
        #expect(refusal?.description.contains("mode 644") == true)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        #expect(try AccessKeys.read(path, key: "credentials") == ["A": Secret("12345678")])
        #expect(throws: ConfigurationError.self) { try AccessKeys.read(path + ".absent", key: "credentials") }
    }
}
