import DurableFiles
import Glibc
package import Names
package import S3Types

/// The keys that may sign requests, from a file that only its owner can read.
///
/// A key is a line `access-key=…` and a line `secret-key=…`, or the same under the names that AWS's clients give them,
/// `aws_access_key_id` and `aws_secret_access_key`; a file of several keys has a section `[name]` for each. Blanks around names
/// and values, empty lines, lines that begin with `#` or `;`, and other names are passed over.
package enum AccessKeys {
    /// - Parameter key: the setting that the path stands under, for the refusal.
    /// - Returns: each secret by its access key; at least one.
    package static func read(_ path: String, key: String) throws(ConfigurationError) -> [Name: Secret] {
        try checkMode(path, key: key)
        let bytes: [UInt8]
        do { bytes = try SystemDisk().read(path, limitBytes: 1 << 20) } catch {
            throw .unreadableFile(path: path, cause: error)
        }
        let accepted = "a file in which each access-key has a secret-key of 8 characters or more"
        guard let keys = parse(String(decoding: bytes, as: UTF8.self)) else {
            throw .unacceptable(key: key, value: path, accepted: accepted)
        }
        return keys
    }

    /// Nil when a key has no secret or a secret no key, when a key is there twice, or when there is none.
    static func parse(_ text: String) -> [Name: Secret]? {
        var keys: [Name: Secret] = [:]
        var accessKey: String?
        var secret: String?
        /// Takes the pair that was read, if any; false when half of it is missing.
        func endPair() -> Bool {
            defer { (accessKey, secret) = (nil, nil) }
            if accessKey == nil, secret == nil { return true }
            guard let accessKey, let secret, !accessKey.isEmpty, secret.utf8.count >= 8 else { return false }
            return keys.updateValue(Secret(secret), forKey: Name(accessKey)) == nil
        }
        for line in text.pieces(at: "\n").map({ $0.strippingBlanks() }) {
            if line.hasBytePrefix("#") || line.hasBytePrefix(";") { continue }
            if line.hasBytePrefix("[") {
                guard endPair() else { return nil }
                continue
            }
            let parts = line.pieces(at: "=", cuts: 1)
            guard parts.count == 2 else { continue }
            switch Name(parts[0].strippingBlanks()) {
            case "access-key", "aws_access_key_id":
                if accessKey != nil { guard endPair() else { return nil } }
                accessKey = String(parts[1].strippingBlanks())
            case "secret-key", "aws_secret_access_key":
                guard secret == nil else { return nil }
                secret = String(parts[1].strippingBlanks())
            default: continue
            }
        }
        guard endPair(), !keys.isEmpty else { return nil }
        return keys
    }

    private static func checkMode(_ path: String, key: String) throws(ConfigurationError) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            throw .unacceptable(
                key: key, value: path, accepted: "a file that is there (\(unsafe String(cString: strerror(errno))))")
        }
        guard status.st_mode & 0o077 == 0 else {
            let mode = String(status.st_mode & 0o777, radix: 8)
            throw .unacceptable(
                key: key, value: "\(path) with mode \(mode)",
                accepted: "a file that only its owner may read (chmod 600)")
        }
    }
}
