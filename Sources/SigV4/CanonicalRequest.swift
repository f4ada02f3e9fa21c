import Names
package import S3Types

/// A request in the one form that both ends sign.
///
/// For S3 the path is decoded and encoded once more, and nothing else is done to it: `..`, `//` and `%2F` are content of a
/// key. For other services it is encoded twice.
///
/// Source: "Create a signed AWS API request", with the exceptions that it lists for Amazon S3.
package struct CanonicalRequest: Sendable {
    package let bytes: [UInt8]

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// - Parameters:
    ///   - fields: header fields, names in lower case.
    ///   - signedHeaders: the names to sign, in lower case and sorted.
    ///   - payload: the last line.
    ///   - omittedParameter: a query parameter that is left out: the signature itself.
    ///   - encodesPathTwice: as services other than S3 have it.
    package init(
        method: String, target: RequestTarget, fields: [(name: String, value: String)], signedHeaders: [String],
        payload: String, omittedParameter: StaticString? = nil, encodesPathTwice: Bool = false
    ) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        let newline = UInt8(ascii: "\n")

        bytes += method.utf8
        bytes.append(newline)
        if encodesPathTwice {
            var once: [UInt8] = []
            PercentEncoding.encode(target.path, keepsSlash: true, into: &once)
            PercentEncoding.encode(once, keepsSlash: true, into: &bytes)
        } else {
            PercentEncoding.encode(target.path, keepsSlash: true, into: &bytes)
        }
        if target.path.isEmpty { bytes.append(UInt8(ascii: "/")) }
        bytes.append(newline)
        Self.appendQuery(target.parameters, omitting: omittedParameter, to: &bytes)
        bytes.append(newline)
        for name in signedHeaders {
            bytes += name.utf8
            bytes.append(UInt8(ascii: ":"))
            var isFirst = true
            for field in fields where Name(field.name) == Name(name) {
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

    private static func appendQuery(
        _ parameters: [RequestTarget.Parameter], omitting omitted: StaticString?, to bytes: inout [UInt8]
    ) {
        var items: [(name: [UInt8], value: [UInt8])] = []
        items.reserveCapacity(parameters.count)
        for parameter in parameters {
            if let omitted, parameter.isNamed(omitted) { continue }
            var name: [UInt8] = []
            var value: [UInt8] = []
            PercentEncoding.encode(parameter.name, keepsSlash: false, into: &name)
            PercentEncoding.encode(parameter.value, keepsSlash: false, into: &value)
            items.append((name, value))
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
