/// Why a program does not start as configured. It exits with 78 and says this to the operator.
package enum ConfigurationError: Error, CustomStringConvertible {
    case missing(key: String)
    case unacceptable(key: String, value: String, accepted: String)
    case unreadableFile(path: String, cause: any Error)
    /// The configuration file has a setting that the program does not: most likely one that is misspelt.
    case unknown(key: String, path: String, known: [String])

    package var description: String {
        switch self {
        case .missing(let key):
            "\(key) is not set: give --\(key), \(Self.variable(key)) or \"\(key)\" in the configuration file"
        case .unacceptable(let key, let value, let accepted):
            "\(key) is \"\(value)\": accepted is \(accepted)"
        case .unreadableFile(let path, let cause):
            "the configuration file \(path) cannot be read: \(cause)"
        case .unknown(let key, let path, let known):
            "\"\(key)\" in the configuration file \(path) is no setting: accepted are \(known.joined(separator: ", "))"
        }
    }

    private static func variable(_ key: String) -> String {
        "LODESTORE_" + key.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
    }
}
