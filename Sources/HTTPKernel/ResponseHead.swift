import NIOCore
package import NIOHTTP1

/// An answer's status line and fields, held as the bytes that go out.
///
/// A head that is the same for many answers is built once; sending it is one copy. Date, the body's framing and
/// Connection are the kernel's to write, at each answer.
package struct ResponseHead: Sendable {
    package let status: HTTPResponseStatus
    /// The status line and each field, every line ended by CRLF.
    private(set) var bytes: [UInt8]

    package init(_ status: HTTPResponseStatus, _ fields: [(String, String)] = []) {
        self.status = status
        self.bytes = []
        self.bytes.reserveCapacity(32 + fields.reduce(0) { $0 + $1.0.utf8.count + $1.1.utf8.count + 4 })
        self.bytes.append(contentsOf: "HTTP/1.1 ".utf8)
        DecimalText.append(UInt64(status.code), to: &self.bytes)
        self.bytes.append(0x20)
        self.appendCleaned(status.reasonPhrase)
        self.bytes.append(0x0D)
        self.bytes.append(0x0A)
        for (name, value) in fields { self.add(name, value) }
    }

    /// Adds a field. A value never ends the line it stands on: CR, LF and NUL become spaces.
    package mutating func add(_ name: String, _ value: String) {
        self.appendCleaned(name)
        self.bytes.append(0x3A)
        self.bytes.append(0x20)
        self.appendCleaned(value)
        self.bytes.append(0x0D)
        self.bytes.append(0x0A)
    }

    private mutating func appendCleaned(_ text: String) {
        for byte in text.utf8 {
            self.bytes.append(byte == 0x0D || byte == 0x0A || byte == 0 ? 0x20 : byte)
        }
    }

    /// Whether an answer of this status has no body, whatever was asked. Source: RFC 9110, section 6.4.1.
    var isBodyless: Bool {
        let code = self.status.code
        return code == 204 || code == 304 || code < 200
    }
}
