import Names
package import S3Types

/// Who signs, and for which region.
package struct S3Credentials: Sendable, Equatable {
    package let accessKey: String
    package let secret: Secret
    package let sessionToken: Secret?
    package let region: String

    package init(accessKey: String, secret: Secret, sessionToken: Secret? = nil, region: String) {
        self.accessKey = accessKey
        self.secret = secret
        self.sessionToken = sessionToken
        self.region = region
    }

    /// Looks where the AWS clients look: the environment, then the profile's section of the two files.
    ///
    /// Source: "Configuration and credential file settings", AWS CLI User Guide.
    /// - Parameters:
    ///   - environment: of the process.
    ///   - readFile: the text of a file, or nil when it cannot be read.
    /// - Returns: nil when neither has an access key and its secret.
    package static func found(
        environment: [String: String],  // text: as the process has it; only names of ASCII are asked for
        readFile: (String) -> String?
    ) -> S3Credentials? {
        // An empty variable is one that is not set, as it is to the AWS clients.
        let environment = environment.filter { !$0.value.isEmpty }
        let home = environment["HOME"] ?? ""
        let profile = environment["AWS_PROFILE"] ?? "default"
        let shared = environment["AWS_SHARED_CREDENTIALS_FILE"] ?? "\(home)/.aws/credentials"
        let config = environment["AWS_CONFIG_FILE"] ?? "\(home)/.aws/config"
        let sections = [
            readFile(shared).flatMap { IniFile($0).section(profile) },
            // The configuration file calls every profile but the default one `profile NAME`.
            readFile(config).flatMap {
                IniFile($0).section(Name(profile) == "default" ? profile : "profile \(profile)")
            },
        ].compactMap { $0 }
        func setting(_ name: String) -> String? { sections.lazy.compactMap { $0[Name(name)] }.first }

        let region = environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? setting("region") ?? "us-east-1"
        if let accessKey = environment["AWS_ACCESS_KEY_ID"], let secret = environment["AWS_SECRET_ACCESS_KEY"] {
            let token = environment["AWS_SESSION_TOKEN"].map { Secret($0) }
            return S3Credentials(accessKey: accessKey, secret: Secret(secret), sessionToken: token, region: region)
        }
        guard let accessKey = setting("aws_access_key_id"), let secret = setting("aws_secret_access_key") else {
            return nil
        }
        let token = setting("aws_session_token").map { Secret($0) }
        return S3Credentials(accessKey: accessKey, secret: Secret(secret), sessionToken: token, region: region)
    }
}

/// The sections of an AWS configuration file: `[name]`, then `key = value` lines; `#` and `;` begin a comment line.
struct IniFile {
    private var sections: [Name: [Name: String]] = [:]

    init(_ text: String) {
        var current: Name?
        for line in text.pieces(at: "\n") {
            let trimmed = line.strippingBlanks()
            if trimmed.isEmpty || trimmed.hasBytePrefix("#") || trimmed.hasBytePrefix(";") { continue }
            if trimmed.hasBytePrefix("["), trimmed.hasByteSuffix("]") {
                current = Name(Substring(trimmed.utf8.dropFirst().dropLast()).strippingBlanks())
            } else if let current, case let parts = trimmed.pieces(at: "=", cuts: 1), parts.count == 2 {
                let name = Name(parts[0].strippingBlanks().asciiLowercased())
                sections[current, default: [:]][name] = String(parts[1].strippingBlanks())
            }
        }
    }

    func section(_ name: String) -> [Name: String]? { sections[Name(name)] }
}
