import DurableFiles
import Launch
import Names
import S3Types

/// The key of the store's one account.
///
/// A file of credentials has a line `access-key=…` and a line `secret-key=…`; empty lines and lines that begin with `#` are
/// skipped.
struct RootCredentials {
    /// The settings that stand in the environment or in the configuration file.
    static let keySettings = ["root-access-key", "root-secret-key"]

    let accessKey: String
    let secret: Secret

    /// - Throws: when a key is one that no client could send: AWS's are 3 to 128 letters, digits or `_`, secrets of 8 and more.
    init(accessKey: String, secretKey: String, source: String) throws(ConfigurationError) {
        let isPlain = accessKey.utf8.allSatisfy {
            $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ",") && $0 > 0x20 && $0 < 0x7F
        }
        guard (3...128).contains(accessKey.utf8.count), isPlain else {
            throw .unacceptable(
                key: source, value: accessKey,
                accepted: "an access key of 3 to 128 characters without blank, slash or comma")
        }
        guard secretKey.utf8.count >= 8 else {
            throw .unacceptable(key: source, value: "<redacted>", accepted: "a secret key of 8 characters or more")
        }
        self.accessKey = accessKey
        self.secret = Secret(secretKey)
    }

    /// From the environment, else from the operator's file, else from the file in the data directory, which is made with new
    /// keys when it is not there.
    ///
    /// - Returns: also the path of a file that was made just now, so that its keys can be shown once.
    static func resolve(
        _ settings: Settings, dataDirectory: String, disk: some Disk
    ) throws -> (credentials: RootCredentials, madePath: String?) {
        let accessKey = try settings.text("root-access-key")
        let secretKey = try settings.text("root-secret-key")
        if let accessKey, let secretKey {
            return (try RootCredentials(accessKey: accessKey, secretKey: secretKey, source: "root-access-key"), nil)
        }
        if accessKey != nil { throw ConfigurationError.missing(key: "root-secret-key") }
        if secretKey != nil { throw ConfigurationError.missing(key: "root-access-key") }
        if let path = try settings.text("root-credentials") { return (try read(path, disk: disk), nil) }
        let path = dataDirectory + "/root-credentials"
        if try disk.list(dataDirectory).contains("root-credentials") { return (try read(path, disk: disk), nil) }
        let made = try RootCredentials(
            accessKey: "LODE" + random(16, of: "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
            secretKey: random(40, of: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"), source: path)
        let text = "access-key=\(made.accessKey)\nsecret-key=\(made.secret.revealed)\n"
        try unsafe disk.replace(path, with: Array(text.utf8).span.bytes, mode: 0o600)
        return (made, path)
    }

    static func read(_ path: String, disk: some Disk) throws(ConfigurationError) -> RootCredentials {
        let bytes: [UInt8]
        do { bytes = try disk.read(path, limitBytes: 64 << 10) } catch {
            throw .unreadableFile(path: path, cause: error)
        }
        var values: [Name: String] = [:]
        for line in String(decoding: bytes, as: UTF8.self).pieces(at: "\n") where !line.hasBytePrefix("#") {
            let parts = line.pieces(at: "=", cuts: 1)
            guard parts.count == 2 else { continue }
            values[Name(parts[0])] = String(parts[1])
        }
        guard let accessKey = values["access-key"], let secretKey = values["secret-key"] else {
            throw .unacceptable(
                key: "root-credentials", value: path, accepted: "a file with lines access-key=… and secret-key=…")
        }
        return try RootCredentials(accessKey: accessKey, secretKey: secretKey, source: path)
    }

    /// Uniform over the alphabet; the system's generator is cryptographically secure.
    private static func random(_ count: Int, of alphabet: String) -> String {
        let characters = Array(alphabet)
        return String((0..<count).map { _ in characters[Int.random(in: 0..<characters.count)] })
    }
}
