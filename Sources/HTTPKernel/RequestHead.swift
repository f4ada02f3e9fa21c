import Glibc
import NIOCore
package import NIOHTTP1
import Names

/// A request's line and fields.
///
/// On the fast path it is a slice of the received bytes and costs no allocation; fields are looked up in place and the
/// usual collections are made only for those who ask. Behind NIO's codec it holds what the codec made.
package struct RequestHead: Sendable {
    package let method: HTTPMethod
    /// The body's length by Content-Length; nil when the field is absent.
    package let contentLength: UInt64?
    /// The body comes in chunks.
    package let isChunked: Bool
    /// The client waits for `100 Continue` before it sends the body.
    package let expectsContinue: Bool
    /// The client would use the connection again.
    package let isKeepAlive: Bool
    /// HTTP/1.0: no chunks, no interim answers.
    let isVersion10: Bool
    private let source: Source

    private enum Source {
        /// The head's bytes from the request line to the empty line, checked by `FastPathParser`; offsets count from there.
        case bytes(ByteBuffer, targetOffset: Int, targetCount: Int, fieldsOffset: Int)
        case parsed(HTTPRequestHead)
    }

    /// A head that the fast path has checked.
    init(_ parsed: FastPathParser.Head, bytes: ByteBuffer) {
        self.method = parsed.method
        self.contentLength = parsed.contentLength
        self.isChunked = false
        self.expectsContinue = false
        self.isKeepAlive = parsed.isKeepAlive
        self.isVersion10 = false
        self.source = .bytes(
            bytes, targetOffset: parsed.targetOffset, targetCount: parsed.targetCount,
            fieldsOffset: parsed.fieldsOffset)
    }

    /// A head that NIO's codec has read.
    init(_ untrimmed: HTTPRequestHead) {
        var head = untrimmed
        head.headers = Self.trimmed(head.headers)
        if let absolute = Self.absoluteForm(head.uri) {
            head.uri = absolute.target
            // What the client says in Host counts for nothing then.
            head.headers.replaceOrAdd(name: "host", value: String(absolute.authority))
        }
        self.method = head.method
        self.contentLength = head.headers.first(name: "content-length").flatMap { UInt64($0) }
        self.isChunked = head.headers.contains(name: "transfer-encoding")
        self.isVersion10 = head.version == .http1_0
        self.expectsContinue =
            head.version != .http1_0
            && head.headers[canonicalForm: "expect"].contains { $0.asciiLowercased() == "100-continue" }
        // An upgrade that is not taken: the codec reads nothing after it, so the connection ends with this request.
        self.isKeepAlive = head.isKeepAlive && !head.headers.contains(name: "upgrade")
        self.source = .parsed(head)
    }

    /// The two halves of a target that names its host, as clients send it to a proxy: whom it asks, and the target that it would
    /// send there itself. Nil for a target of another form. Source: RFC 9112, section 3.2.2.
    static func absoluteForm(_ uri: String) -> (authority: Substring, target: String)? {
        let scheme = ["http://", "https://"].first {
            String(decoding: uri.utf8.prefix($0.utf8.count), as: UTF8.self).asciiLowercased().hasSameBytes(as: $0)
        }
        guard let scheme else { return nil }
        let rest = Substring(uri.utf8.dropFirst(scheme.utf8.count))
        let end = rest.utf8.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
        let target = rest[end...]
        return (rest[..<end], target.hasBytePrefix("/") ? String(target) : "/" + target)
    }

    /// The codec leaves blanks at the end of values, where HTTP says that they are none of the value.
    private static func trimmed(_ headers: HTTPHeaders) -> HTTPHeaders {
        func isBlank(_ byte: UInt8?) -> Bool { byte == 0x20 || byte == 0x09 }
        guard headers.contains(where: { isBlank($0.value.utf8.last) }) else { return headers }
        return HTTPHeaders(
            headers.map { name, value in
                var rest = value[...]
                while isBlank(rest.utf8.last) { rest.removeLast() }
                return (name, String(rest))
            })
    }

    /// The request target as it was sent, undecoded, from its path on.
    package var target: String {
        switch self.source {
        case .bytes(let bytes, let offset, let count, _):
            bytes.getString(at: bytes.readerIndex + offset, length: count) ?? ""
        case .parsed(let head): head.uri
        }
    }

    /// All fields, in the order in which they came. Made anew at each call on the fast path: take it once.
    package var headers: HTTPHeaders {
        switch self.source {
        case .parsed(let head): return head.headers
        case .bytes:
            var headers = HTTPHeaders()
            headers.reserveCapacity(12)
            self.forEachField { name, value in headers.add(name: Self.string(name), value: Self.string(value)) }
            return headers
        }
    }

    /// The first value of a field; the name in any case.
    package func first(_ name: String) -> String? {
        switch self.source {
        case .parsed(let head): return head.headers.first(name: name)
        case .bytes:
            var found: String?
            self.forEachField { fieldName, value in
                if found == nil, ASCII.equalsIgnoringCase(fieldName, name) { found = Self.string(value) }
            }
            return found
        }
    }

    /// Whether the target up to its query is exactly this path. Allocates nothing.
    package func hasPath(_ path: StaticString) -> Bool {
        switch self.source {
        case .parsed(let head):
            let uri = head.uri.utf8
            return uri.prefix { $0 != UInt8(ascii: "?") }.elementsEqual(path.description.utf8)
        case .bytes(let bytes, let offset, let count, _):
            let all = bytes.readableBytesSpan
            return unsafe all.withUnsafeBytes { pointer in
                let target = unsafe UnsafeRawBufferPointer(rebasing: pointer[offset..<(offset + count)])
                let pathCount = path.utf8CodeUnitCount
                guard target.count >= pathCount else { return false }
                if target.count > pathCount, unsafe target[pathCount] != 0x3F { return false }
                return unsafe pathCount == 0 || memcmp(path.utf8Start, target.baseAddress!, pathCount) == 0
            }
        }
    }

    /// Lends each field's name and value in turn, the value without surrounding blanks. Allocates nothing on the fast path.
    package func forEachField(_ body: (_ name: RawSpan, _ value: RawSpan) -> Void) {
        switch self.source {
        case .parsed(let head):
            for (name, value) in head.headers {
                unsafe body(name.utf8.span.bytes, value.utf8.span.bytes)
            }
        case .bytes(let bytes, _, _, let fieldsOffset):
            let all = bytes.readableBytesSpan
            var position = fieldsOffset
            // The parser saw every line end in CRLF, every field hold a colon, and the head end in an empty line.
            while let field = FastPathParser.nextField(in: all, at: &position) {
                body(all.extracting(field.name), all.extracting(field.value))
            }
        }
    }

    /// Text of bytes that should be UTF-8; what is not becomes U+FFFD, as in NIO's codec.
    private static func string(_ bytes: RawSpan) -> String {
        unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
