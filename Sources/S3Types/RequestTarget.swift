/// A request target taken apart once: its path, and the parameters of its query, decoded.
///
/// The path is decoded and nothing else is done to it: `..`, `//` and `%2F` are content of a key.
package struct RequestTarget: Sendable {
    /// As it was sent.
    package let text: String
    /// Decoded; begins with a slash unless the target is of another form.
    package let path: [UInt8]
    /// In the order given.
    package let parameters: [Parameter]
    /// How many of the target's first bytes are its path.
    package let encodedPathCount: Int

    package struct Parameter: Sendable {
        package let name: [UInt8]
        package let value: [UInt8]
    }

    /// Nil where a `%` is not followed by two hexadecimal digits.
    package init?(_ text: String) {
        self.text = text
        let bytes = Array(text.utf8)
        let mark = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.endIndex
        guard let path = PercentEncoding.decode(bytes[..<mark], plusIsSpace: false) else { return nil }
        self.path = path
        self.encodedPathCount = mark
        var parameters: [Parameter] = []
        var start = mark + 1
        while start < bytes.endIndex {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "&")) ?? bytes.endIndex
            if start < end {
                let equals = bytes[start..<end].firstIndex(of: UInt8(ascii: "=")) ?? end
                guard let name = PercentEncoding.decode(bytes[start..<equals], plusIsSpace: true),
                    let value = PercentEncoding.decode(bytes[min(equals + 1, end)..<end], plusIsSpace: true)
                else { return nil }
                parameters.append(Parameter(name: name, value: value))
            }
            start = end + 1
        }
        self.parameters = parameters
    }

    /// The value of the first parameter of that name.
    package func first(_ name: StaticString) -> String? {
        parameters.first { $0.isNamed(name) }.map { String(decoding: $0.value, as: UTF8.self) }
    }

    /// The value of the only parameter of that name; nil when there is none, or several.
    package func only(_ name: StaticString) -> String? {
        let named = parameters.filter { $0.isNamed(name) }
        return named.count == 1 ? String(decoding: named[0].value, as: UTF8.self) : nil
    }

    package func contains(_ name: StaticString) -> Bool { parameters.contains { $0.isNamed(name) } }
}

extension RequestTarget.Parameter {
    package func isNamed(_ text: StaticString) -> Bool {
        // Invariant: a StaticString of ASCII letters points at its own bytes for ever.
        unsafe name.elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
