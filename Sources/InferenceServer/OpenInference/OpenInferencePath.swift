import Names

/// The paths under `/v2`, read from a request's target.
///
/// Source: "Open Inference Protocol", HTTP/REST; Triton's model repository, configuration and statistics extensions.
enum OpenInferencePath: Equatable {
    case server
    case live
    case ready
    /// Statistics of all models.
    case statistics
    case model(name: Name, version: Name?, ModelAction)
    case index
    case load(name: Name)
    case unload(name: Name)

    enum ModelAction: String {
        case metadata = ""
        case ready
        case config
        case stats
        case infer
    }

    /// - Parameter target: as it was sent; nil for a path that is none of the protocol's.
    init?(_ target: String) {
        let path = target.bytePrefix(upTo: "?")
        guard path.hasBytePrefix("/v2") else { return nil }
        var parts = Substring(path.utf8.dropFirst(3)).pieces(at: "/").map { Self.decoded($0) }
        // What stands before the first slash belongs to another path, as in /v2x; a slash at the end counts for nothing.
        guard parts.isEmpty || parts.removeFirst() == "" else { return nil }
        if parts.last == "" { parts.removeLast() }
        switch parts.first ?? nil {
        case nil where parts.isEmpty: self = .server
        case "health" where parts == ["health", "live"]: self = .live
        case "health" where parts == ["health", "ready"]: self = .ready
        case "models" where parts == ["models", "stats"]: self = .statistics
        case "models":
            guard let path = Self.model(parts.dropFirst()) else { return nil }
            self = path
        case "repository" where parts == ["repository", "index"]: self = .index
        case "repository":
            guard parts.count >= 4, parts[1] == "models", let name = Self.joined(parts[2..<(parts.count - 1)]) else {
                return nil
            }
            switch parts[parts.count - 1] {
            case "load": self = .load(name: name)
            case "unload": self = .unload(name: name)
            default: return nil
            }
        default: return nil
        }
    }

    /// Read from the end: a name may hold slashes, which clients do not escape.
    private static func model(_ parts: ArraySlice<String?>) -> OpenInferencePath? {
        var parts = parts
        var action = ModelAction.metadata
        if parts.count > 1, let last = parts.last ?? nil, let named = ModelAction(rawValue: last), named != .metadata {
            action = named
            parts.removeLast()
        }
        var version: Name?
        if parts.count > 2, parts[parts.endIndex - 2] == "versions" {
            guard let last = parts.removeLast() else { return nil }
            version = Name(last)
            parts.removeLast()
        }
        guard let name = joined(parts) else { return nil }
        return .model(name: name, version: version, action)
    }

    private static func joined(_ parts: ArraySlice<String?>) -> Name? {
        var name = ""
        for part in parts {
            guard let part else { return nil }
            if !name.isEmpty { name += "/" }
            name += part
        }
        return name.isEmpty ? nil : Name(name)
    }

    /// Undoes percent-encoding; nil when it is none, or not of UTF-8.
    private static func decoded(_ part: Substring) -> String? {
        guard part.utf8.contains(UInt8(ascii: "%")) else { return String(part) }
        var bytes: [UInt8] = []
        var rest = part.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
