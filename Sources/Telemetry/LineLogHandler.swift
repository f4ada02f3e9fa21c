import Glibc
package import Logging
import Names

/// Writes each record as one line to standard error with a single `write`: text for a person, JSON for a machine.
package struct LineLogHandler: LogHandler {
    package enum Format: Sendable { case text, json }

    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    package var logLevel: Logger.Level

    private let label: String
    private let format: Format
    private let sink: @Sendable ([UInt8]) -> Void

    package init(
        label: String, level: Logger.Level, format: Format,
        sink: @escaping @Sendable ([UInt8]) -> Void = writeToStandardError
    ) {
        self.label = label
        self.logLevel = level
        self.format = format
        self.sink = sink
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var facts = metadata
        if let provided = metadataProvider?.get() { facts.merge(provided) { $1 } }
        if let own = event.metadata { facts.merge(own) { $1 } }
        if let error = event.error { facts[LogKey.error] = "\(error)" }
        let sorted = facts.sorted { $0.key < $1.key }
        let line =
            switch format {
            case .text: textLine(event, facts: sorted)
            case .json: jsonLine(event, facts: sorted)
            }
        sink(Array(line.utf8))
    }

    private func textLine(_ event: LogEvent, facts: [(key: String, value: Logger.Metadata.Value)]) -> String {
        var line = "\(timestamp()) \(event.level.rawValue) \(label): \(event.message)"
        for fact in facts {
            let value = "\(fact.value)"
            let needsQuotes =
                value.isEmpty || value.unicodeScalars.contains { $0 == " " || $0 == "\"" || !$0.isPrintable }
            line += " \(fact.key)=\(needsQuotes ? jsonQuoted(value) : value)"
        }
        return line + "\n"
    }

    private func jsonLine(_ event: LogEvent, facts: [(key: String, value: Logger.Metadata.Value)]) -> String {
        var line = "{\"time\":\"\(timestamp())\",\"level\":\"\(event.level.rawValue)\",\"label\":\(jsonQuoted(label))"
        line += ",\"message\":\(jsonQuoted("\(event.message)"))"
        for fact in facts { line += ",\(jsonQuoted(fact.key)):\(jsonQuoted("\(fact.value)"))" }
        return line + "}\n"
    }
}

/// The text as a JSON string, quotes included; what is not printable is written out, on whatever screen it may be shown.
///
/// Source: RFC 8259, section 7.
package func jsonQuoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": quoted += "\\\""
        case "\\": quoted += "\\\\"
        case _ where scalar.isPrintable: quoted.unicodeScalars.append(scalar)
        default: quoted += scalar.escaped
        }
    }
    return quoted + "\""
}

/// Writes all bytes to descriptor 2; what cannot be written is lost, since there is nowhere left to say so.
package func writeToStandardError(_ bytes: [UInt8]) {
    unsafe bytes.withUnsafeBytes { buffer in
        var written = 0
        while written < buffer.count {
            let count = unsafe write(STDERR_FILENO, buffer.baseAddress! + written, buffer.count - written)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            written += count
        }
    }
}
