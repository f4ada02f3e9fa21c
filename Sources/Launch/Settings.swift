import Configuration
package import Logging
package import Names

/// The settings of one program: flag over environment over file over default.
///
/// A setting has one name everywhere: the flag `--tls-key`, the variable `LODESTORE_TLS_KEY` and the top-level key
/// `tls-key` of the JSON file are the same setting. A program reads all it needs once at start and passes typed slices on.
package struct Settings: Sendable {
    private let sources: [any ConfigProvider]

    /// - Parameters:
    ///   - flags: all settings that the program has, with what stood on the command line.
    ///   - file: the path of a JSON object, or nil.
    ///   - environment: the process's environment unless a test passes its own.
    /// - Throws: ``ConfigurationError/unreadableFile(path:cause:)``; ``ConfigurationError/unknown(key:path:known:)`` and
    ///   ``ConfigurationError/unacceptable(key:value:accepted:)`` for what the file must not hold.
    package init(
        flags: Flags, file: String?, environment: [String: String]? = nil  // text: the library's type
    ) throws(ConfigurationError) {
        let values = Dictionary(
            uniqueKeysWithValues: flags.given.map { (AbsoluteConfigKey([$0.key.text]), $0.value.value) })
        let variables =
            environment.map { EnvironmentVariablesProvider(environmentVariables: $0) } ?? EnvironmentVariablesProvider()
        var sources: [any ConfigProvider] = [
            InMemoryProvider(name: "the command line", values: values),
            variables.prefixKeys(with: "lodestore"),
        ]
        if let file {
            let settings = try SettingsFile.read(file, known: flags.keys)
            let values = settings.map { (AbsoluteConfigKey([$0.key.text]), $0.value) }
            sources.append(InMemoryProvider(name: file, values: Dictionary(uniqueKeysWithValues: values)))
        }
        self.sources = sources
    }

    /// The settings of a program by their names, and what the command line says of them.
    ///
    /// A setting that is given nil has its name all the same: a file may hold it.
    package struct Flags: Sendable, ExpressibleByDictionaryLiteral {
        package private(set) var keys: Set<Name> = []
        fileprivate private(set) var given: [Name: Flag] = [:]

        package init(dictionaryLiteral elements: (String, Flag?)...) {
            for (key, flag) in elements { self[key] = flag }
        }

        package subscript(key: String) -> Flag? {
            get { given[Name(key)] }
            set {
                keys.insert(Name(key))
                given[Name(key)] = newValue
            }
        }
    }

    /// A value as it stood on the command line.
    package enum Flag: Sendable {
        case text(String)
        case integer(Int)
        case boolean(Bool)
        case list([String])

        var value: ConfigValue {
            switch self {
            case .text(let text): ConfigValue(.string(text), isSecret: false)
            case .integer(let number): ConfigValue(.int(number), isSecret: false)
            case .boolean(let flag): ConfigValue(.bool(flag), isSecret: false)
            case .list(let items): ConfigValue(.stringArray(items), isSecret: false)
            }
        }
    }

    /// - Throws: ``ConfigurationError/unacceptable(key:value:accepted:)`` when the setting is no text.
    package func text(_ key: String) throws(ConfigurationError) -> String? {
        guard case .string(let text)? = try content(key, .string, accepted: "a text") else { return nil }
        return text
    }

    /// - Throws: ``ConfigurationError/missing(key:)`` when no source has it.
    package func requiredText(_ key: String) throws(ConfigurationError) -> String {
        guard let text = try text(key) else { throw .missing(key: key) }
        return text
    }

    /// - Throws: ``ConfigurationError/unacceptable(key:value:accepted:)`` when it is no whole number within `range`.
    package func integer(_ key: String, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int? {
        let accepted = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard case .int(let number)? = try content(key, .int, accepted: accepted) else { return nil }
        guard range.contains(number) else { throw .unacceptable(key: key, value: String(number), accepted: accepted) }
        return number
    }

    /// - Throws: ``ConfigurationError/unacceptable(key:value:accepted:)`` when it is neither `true` nor `false`.
    package func boolean(_ key: String) throws(ConfigurationError) -> Bool? {
        guard case .bool(let flag)? = try content(key, .bool, accepted: "true or false") else { return nil }
        return flag
    }

    /// A list: a repeated flag, a comma-separated variable, or a JSON array.
    package func list(_ key: String) throws(ConfigurationError) -> [String]? {
        guard case .stringArray(let items)? = try content(key, .stringArray, accepted: "a list of texts") else {
            return nil
        }
        return items
    }

    /// The setting `log-level`; `info` unless set.
    package func logLevel() throws(ConfigurationError) -> Logger.Level {
        guard let name = try text("log-level") else { return .info }
        guard let level = Logger.Level(rawValue: name) else {
            let accepted = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            throw .unacceptable(key: "log-level", value: name, accepted: "one of \(accepted)")
        }
        return level
    }

    private func content(
        _ key: String, _ type: ConfigType, accepted: String
    ) throws(ConfigurationError) -> ConfigContent? {
        for source in sources {
            do {
                if let value = try source.value(forKey: AbsoluteConfigKey([key]), type: type).value {
                    return value.content
                }
            } catch {
                throw .unacceptable(key: key, value: shown(key, in: source), accepted: accepted)
            }
        }
        return nil
    }

    private func shown(_ key: String, in source: any ConfigProvider) -> String {
        for type in [ConfigType.string, .int, .double, .bool, .stringArray] {
            // Only to show the operator what was refused; a source that has it in no readable form is named instead.
            guard let value = try? source.value(forKey: AbsoluteConfigKey([key]), type: type).value else { continue }
            return switch value.content {
            case .string(let text): text
            case .int(let number): String(number)
            case .double(let number): String(number)
            case .bool(let flag): String(flag)
            case .stringArray(let items): items.joined(separator: ",")
            default: "a value in \(source.providerName)"
            }
        }
        return "a value in \(source.providerName)"
    }
}
