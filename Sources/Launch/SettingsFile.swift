import Configuration
import DurableFiles
import JSONReader
import Names

/// The JSON object of `--config`: settings by their names, nothing else.
///
/// A limit that is misspelt must not pass for one that is set, so that a name which the program does not have is refused, and
/// so are null, a name given twice, and values that no setting takes.
enum SettingsFile {
    private static let limitBytes = 1 << 20

    static func read(_ path: String, known: Set<Name>) throws(ConfigurationError) -> [Name: ConfigValue] {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try InputFile(path).readAll(limitBytes: limitBytes)
        } catch {
            throw .unreadableFile(path: path, cause: error)
        }
        return try JSONReader.read(bytes.span) { (json) throws(ConfigurationError) in
            do {
                return try settings(&json, path: path, known: known)
            } catch let error as ConfigurationError {
                throw error
            } catch {
                throw .unreadableFile(path: path, cause: error)
            }
        }
    }

    private static func settings(
        _ json: inout JSONReader, path: String, known: Set<Name>
    ) throws -> [Name: ConfigValue] {
        var settings: [Name: ConfigValue] = [:]
        try json.beginObject()
        while let text = try json.nextKey() {
            let key = json.string(text)
            guard known.contains(Name(key)) else {
                throw ConfigurationError.unknown(key: key, path: path, known: known.sorted().map(\.text))
            }
            let content = try content(&json, key)
            guard settings.updateValue(ConfigValue(content, isSecret: false), forKey: Name(key)) == nil else {
                throw ConfigurationError.unacceptable(
                    key: key, value: "given twice in \(path)", accepted: "one value")
            }
        }
        try json.finish()
        return settings
    }

    private static func content(_ json: inout JSONReader, _ key: String) throws -> ConfigContent {
        let kind = try json.peekKind()
        switch kind {
        case .string: return .string(try json.readString())
        case .boolean: return .bool(try json.readBool())
        case .number:
            let number = try json.readDouble()
            return Int(exactly: number).map { .int($0) } ?? .double(number)
        case .array:
            var items: [String] = []
            try json.beginArray()
            while try json.nextElement() {
                guard try json.peekKind() == .string else {
                    throw refusal(key, "a list of other things than texts")
                }
                items.append(try json.readString())
            }
            return .stringArray(items)
        case .object: throw refusal(key, "an object")
        case .null: throw refusal(key, "null")
        }
    }

    private static func refusal(_ key: String, _ value: String) -> ConfigurationError {
        .unacceptable(
            key: key, value: value,
            accepted: "a text, a number, true or false, or a list of texts; leave the setting out for its default")
    }
}
