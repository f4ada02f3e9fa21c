import Names

/// A host and a port as an operator writes them: `127.0.0.1:9000`, `[::1]:9000`, `localhost:0`.
package struct ListenAddress: Sendable, Equatable, CustomStringConvertible {
    /// Without brackets.
    package let host: String
    package let port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// - Parameter key: the setting that the text stands under, for the refusal.
    /// - Throws: ``ConfigurationError/unacceptable(key:value:accepted:)``.
    package init(_ text: String, key: String) throws(ConfigurationError) {
        guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")),
            let port = UInt16(text[text.utf8.index(after: colon)...]),
            colon > text.startIndex
        else { throw .unacceptable(key: key, value: text, accepted: "an address and a port, such as 127.0.0.1:9000") }
        self.init(host: String(text[..<colon].unicodeScalars.filter { $0 != "[" && $0 != "]" }), port: port)
    }

    /// Whether only this machine can reach it.
    package var isLoopback: Bool { host.hasBytePrefix("127.") || host == "::1" || host == "localhost" }

    package var description: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
