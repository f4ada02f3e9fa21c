import Glibc
import NIOHTTP1

/// Reads the requests that nearly every client sends, in one pass and without an allocation.
///
/// It is an allow-list. What is not plainly inside it is `.unusual` and goes to NIO's codec from the request's first byte:
/// - a known method in capitals, one space, a target of visible ASCII that starts with `/` and holds no `#`, ` HTTP/1.1`;
/// - every line ends in CRLF; no folding, no NUL or other control but tab inside a value;
/// - exactly one Host; at most one Content-Length of 1 to 18 digits; Connection only as `keep-alive` or `close`; no blank
///   behind these two, which parsers read differently;
/// - no Transfer-Encoding, Expect, Upgrade, TE, Trailer, Proxy-Connection.
///
/// Source: RFC 9112, sections 2.2, 3, 5 and 6; DESIGN "The HTTP fast path". A test holds it to the codec on hostile input.
enum FastPathParser {
    /// What a head said. Offsets count from the head's first byte.
    struct Head {
        var method: HTTPMethod
        var targetOffset: Int
        var targetCount: Int
        var fieldsOffset: Int
        /// All bytes of the head, the empty line included.
        var headCount: Int
        var contentLength: UInt64?
        var isKeepAlive: Bool
    }

    enum Outcome {
        case complete(Head)
        /// Everything so far fits, the end is missing.
        case incomplete
        /// Outside the allow-list: the codec decides.
        case unusual
    }

    /// Where a field's name and value lie.
    struct Field {
        var name: Range<Int>
        var value: Range<Int>
    }

    static func parse(_ bytes: UnsafeRawBufferPointer, fieldLimitCount: Int) -> Outcome {
        guard let lineEnd = unsafe lineEnd(in: bytes, from: 0) else { return unsafe .incompleteUnlessBareLine(bytes) }
        guard var head = unsafe requestLine(in: bytes, end: lineEnd) else { return .unusual }
        var position = lineEnd + 2
        head.fieldsOffset = position
        var hostCount = 0
        var fieldCount = 0
        while true {
            guard position < bytes.count else { return .incomplete }
            guard let end = unsafe self.lineEnd(in: bytes, from: position) else {
                return unsafe memchr(bytes.baseAddress! + position, 0x0A, bytes.count - position) == nil
                    ? .incomplete : .unusual
            }
            if end == position {
                guard hostCount == 1 else { return .unusual }
                head.headCount = position + 2
                return .complete(head)
            }
            fieldCount += 1
            guard fieldCount <= fieldLimitCount, let field = unsafe field(in: bytes, from: position, end: end),
                unsafe accept(field, lineEnd: end, in: bytes, into: &head, hostCount: &hostCount)
            else { return .unusual }
            position = end + 2
        }
    }

    /// The next field of a head that `parse` has accepted; nil at the empty line.
    static func nextField(in bytes: RawSpan, at position: inout Int) -> Field? {
        let start = position
        return unsafe bytes.withUnsafeBytes { pointer -> Field? in
            guard let end = unsafe lineEnd(in: pointer, from: start), end > start else { return nil }
            position = end + 2
            guard let colon = unsafe memchr(pointer.baseAddress! + start, 0x3A, end - start) else { return nil }
            let nameEnd = unsafe UnsafeRawPointer(colon) - pointer.baseAddress!
            return unsafe Field(name: start..<nameEnd, value: trimmed(pointer, nameEnd + 1, end))
        }
    }

    /// The offset of the CR of the line's CRLF; nil when the line is not there yet or ends in a bare LF.
    @inline(__always)
    private static func lineEnd(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        // Invariant: start <= bytes.count, by the callers.
        guard start < bytes.count, let base = bytes.baseAddress,
            let found = unsafe memchr(base + start, 0x0A, bytes.count - start)
        else { return nil }
        let lineFeed = unsafe UnsafeRawPointer(found) - base
        guard lineFeed > start, unsafe bytes[lineFeed - 1] == 0x0D else { return nil }
        return lineFeed - 1
    }

    private static func requestLine(in bytes: UnsafeRawBufferPointer, end: Int) -> Head? {
        guard let (method, methodCount) = unsafe method(in: bytes, end: end) else { return nil }
        let targetOffset = methodCount + 1
        let versionOffset = end - 9  // " HTTP/1.1"
        guard versionOffset > targetOffset, unsafe bytes[targetOffset] == 0x2F,
            unsafe memcmp(bytes.baseAddress! + versionOffset, " HTTP/1.1", 9) == 0
        else { return nil }
        for index in targetOffset..<versionOffset {
            let byte = unsafe bytes[index]
            guard byte &- 0x21 < 0x5E, byte != 0x23 else { return nil }
        }
        return Head(
            method: method, targetOffset: targetOffset, targetCount: versionOffset - targetOffset, fieldsOffset: 0,
            headCount: 0, contentLength: nil, isKeepAlive: true)
    }

    @inline(__always)
    private static func method(in bytes: UnsafeRawBufferPointer, end: Int) -> (HTTPMethod, Int)? {
        guard end >= 7 else { return nil }
        let first = unsafe UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
        switch first {
        case 0x4745_5420: return (.GET, 3)  // "GET "
        case 0x5055_5420: return (.PUT, 3)  // "PUT "
        case 0x504F_5354: return unsafe bytes[4] == 0x20 ? (.POST, 4) : nil  // "POST"
        case 0x4845_4144: return unsafe bytes[4] == 0x20 ? (.HEAD, 4) : nil  // "HEAD"
        case 0x4445_4C45:  // "DELE"
            return unsafe bytes[4] == 0x54 && bytes[5] == 0x45 && bytes[6] == 0x20 ? (.DELETE, 6) : nil
        default: return nil
        }
    }

    private static func field(in bytes: UnsafeRawBufferPointer, from start: Int, end: Int) -> Field? {
        var colon = start
        while colon < end, unsafe isNameByte(bytes[colon]) { colon += 1 }
        guard colon > start, colon < end, unsafe bytes[colon] == 0x3A else { return nil }
        let value = unsafe trimmed(bytes, colon + 1, end)
        for index in value {
            let byte = unsafe bytes[index]
            // A control other than tab; above ASCII all pass, as in the codec.
            guard byte >= 0x20 || byte == 0x09, byte != 0x7F else { return nil }
        }
        return Field(name: start..<colon, value: value)
    }

    @inline(__always)
    private static func trimmed(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Range<Int> {
        var start = start
        var end = end
        while start < end, unsafe bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
        while end > start, unsafe bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
        return start..<end
    }

    /// Takes in the fields that matter to framing; false sends the request to the codec.
    @inline(__always)
    private static func accept(
        _ field: Field, lineEnd: Int, in bytes: UnsafeRawBufferPointer, into head: inout Head, hostCount: inout Int
    ) -> Bool {
        let name = unsafe UnsafeRawBufferPointer(rebasing: bytes[field.name])
        // The names that matter are told apart by length before a byte is compared.
        switch name.count {
        case 2: return unsafe !equals(name, "te")
        case 4:
            if unsafe equals(name, "host") {
                hostCount += 1
                return hostCount == 1 && !field.value.isEmpty
            }
            return true
        case 6: return unsafe !equals(name, "expect")
        case 7: return unsafe !equals(name, "upgrade") && !equals(name, "trailer")
        case 10:
            guard unsafe equals(name, "connection") else { return true }
            guard field.value.upperBound == lineEnd else { return false }
            let value = unsafe UnsafeRawBufferPointer(rebasing: bytes[field.value])
            if unsafe equals(value, "keep-alive") { return head.isKeepAlive }
            guard unsafe equals(value, "close") else { return false }
            head.isKeepAlive = false
            return true
        case 14:
            guard unsafe equals(name, "content-length") else { return true }
            guard head.contentLength == nil, field.value.upperBound == lineEnd,
                unsafe readLength(bytes, field.value, into: &head)
            else { return false }
            return true
        case 16: return unsafe !equals(name, "proxy-connection")
        case 17: return unsafe !equals(name, "transfer-encoding")
        default: return true
        }
    }

    private static func readLength(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, into head: inout Head
    ) -> Bool {
        guard (1...18).contains(range.count) else { return false }
        var length: UInt64 = 0
        for index in range {
            let digit = unsafe bytes[index] &- 0x30
            guard digit < 10 else { return false }
            length = length * 10 + UInt64(digit)
        }
        head.contentLength = length
        return true
    }

    @inline(__always)
    private static func equals(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        unsafe ASCII.equalsIgnoringCase(bytes.bytes, lowercase: text)
    }

    /// tchar of RFC 9110, section 5.6.2, one bit a byte value.
    @inline(__always)
    private static func isNameByte(_ byte: UInt8) -> Bool {
        if byte &- 0x61 < 26 || byte &- 0x41 < 26 || byte == 0x2D { return true }
        guard byte < 128 else { return false }
        // "!#$%&'*+.^_`|~" and the digits, as two words of 64 bits.
        let low: UInt64 = 0x03FF_6CFA_0000_0000
        let high: UInt64 = 0x5000_0001_C000_0000
        return (byte < 64 ? low >> UInt64(byte) : high >> UInt64(byte - 64)) & 1 == 1
    }
}

extension FastPathParser.Outcome {
    /// A first line without its end is incomplete, unless it ends in a bare LF or starts as no request of the list does.
    fileprivate static func incompleteUnlessBareLine(_ bytes: UnsafeRawBufferPointer) -> Self {
        guard let base = bytes.baseAddress, unsafe memchr(base, 0x0A, bytes.count) == nil else { return .unusual }
        let methods: [StaticString] = ["GET ", "PUT ", "POST ", "HEAD ", "DELETE "]
        for method in methods {
            let count = min(bytes.count, method.utf8CodeUnitCount)
            if unsafe memcmp(base, method.utf8Start, count) == 0 { return .incomplete }
        }
        return .unusual
    }
}
