/// A request in the one form that both ends sign.
///
/// The path is decoded and encoded once more, and nothing else is done to it: `..`, `//` and `%2F` are content of a key.
///
/// Source: "Create a signed AWS API request", with the exceptions that it lists for Amazon S3.
package struct CanonicalRequest: Sendable {
    package let bytes: [UInt8]

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// - Parameters:
    ///   - target: as in the request line, undecoded.
    ///   - fields: header fields, names in lower case.
    ///   - signedHeaders: the names to sign, in lower case and sorted.
    ///   - payload: the last line.
    ///   - omittedParameter: a query parameter that is left out: the signature itself.
    /// - Throws: ``SignatureError/malformedTarget``.
    package init(
        method: String, target: String, fields: [(name: String, value: String)], signedHeaders: [String],
        payload: String,
        omittedParameter: String? = nil
    ) throws(SignatureError) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        let newline = UInt8(ascii: "\n")
        let (path, query) = Self.split(target)

        bytes += method.utf8
        bytes.append(newline)
        guard let decodedPath = PercentEncoding.decode(path, plusIsSpace: false) else { throw .malformedTarget }
        PercentEncoding.encode(decodedPath, keepsSlash: true, into: &bytes)
        if decodedPath.isEmpty { bytes.append(UInt8(ascii: "/")) }
        bytes.append(newline)
        try Self.appendQuery(query, omitting: omittedParameter, to: &bytes)
        bytes.append(newline)
        for name in signedHeaders {
            bytes += name.utf8
            bytes.append(UInt8(ascii: ":"))
            var isFirst = true
            for field in fields where field.name == name {
                if !isFirst { bytes.append(UInt8(ascii: ",")) }
                isFirst = false
                Self.appendCollapsed(field.value, to: &bytes)
            }
            bytes.append(newline)
        }
        bytes.append(newline)
        bytes += signedHeaders.joined(separator: ";").utf8
        bytes.append(newline)
        bytes += payload.utf8
        self.bytes = bytes
    }

    /// The undecoded path and query of a request target.
    static func split(_ target: String) -> (path: Substring.UTF8View, query: Substring.UTF8View) {
        let view = Substring(target).utf8
        guard let mark = view.firstIndex(of: UInt8(ascii: "?")) else { return (view, view[view.endIndex...]) }
        return (view[..<mark], view[view.index(after: mark)...])
    }

    private static func appendQuery(
        _ query: Substring.UTF8View, omitting omitted: String?, to bytes: inout [UInt8]
    ) throws(SignatureError) {
        var items: [(name: [UInt8], value: [UInt8])] = []
        for item in query.split(separator: UInt8(ascii: "&")) {
            let equals = item.firstIndex(of: UInt8(ascii: "="))
            let value = equals.map { item[item.index(after: $0)...] } ?? item[item.endIndex...]
            guard let name = PercentEncoding.decode(item[..<(equals ?? item.endIndex)], plusIsSpace: true),
                let decodedValue = PercentEncoding.decode(value, plusIsSpace: true)
            else { throw .malformedTarget }
            if let omitted, name.elementsEqual(omitted.utf8) { continue }
            var encodedName: [UInt8] = []
            var encodedValue: [UInt8] = []
            PercentEncoding.encode(name, keepsSlash: false, into: &encodedName)
            PercentEncoding.encode(decodedValue, keepsSlash: false, into: &encodedValue)
            items.append((encodedName, encodedValue))
        }
        items.sort { left, right in
            left.name == right.name
                ? left.value.lexicographicallyPrecedes(right.value) : left.name.lexicographicallyPrecedes(right.name)
        }
        for (index, item) in items.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: "&")) }
            bytes += item.name
            bytes.append(UInt8(ascii: "="))
            bytes += item.value
        }
    }

    /// The value without spaces at either end, and runs of spaces within it as one.
    private static func appendCollapsed(_ value: String, to bytes: inout [UInt8]) {
        let start = bytes.count
        var isSpacePending = false
        for byte in value.utf8 {
            if byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") {
                isSpacePending = bytes.count > start
                continue
            }
            if isSpacePending {
                bytes.append(UInt8(ascii: " "))
                isSpacePending = false
            }
            bytes.append(byte)
        }
    }
}
