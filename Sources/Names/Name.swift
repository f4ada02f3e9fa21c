import Glibc

/// A name: what a client, a file or a peer called something. Its identity is its bytes.
///
/// Swift's `String` is equal by canonical equivalence, so that `é` in one code point and in two are one key of a
/// dictionary, and `K` and U+212A too; two models, features or objects would become one. A name wraps a text as it
/// came, which costs nothing, and compares, orders and hashes its UTF-8. A literal is a name, so `switch Name(word)`
/// and `Name(word) == "gbtree"` compare bytes.
///
/// It prints escaped (see `printable`), so that a name in a line of a log or of a report cannot forge another line;
/// `text` is the name as it came.
package struct Name: Hashable, Sendable, ExpressibleByStringLiteral {
    package let text: String

    package init(_ text: String) { self.text = text }
    package init(_ text: Substring) { self.text = String(text) }
    package init(stringLiteral text: String) { self.text = text }

    package var utf8: String.UTF8View { text.utf8 }
    package var isEmpty: Bool { text.isEmpty }

    package static func == (left: Name, right: Name) -> Bool {
        // What is represented alike is alike; small texts, and copies of one text, end here.
        if left.representation == right.representation { return true }
        guard left.utf8.count == right.utf8.count else { return false }
        return unsafe left.withBytes { leftBytes in
            unsafe right.withBytes { rightBytes in
                unsafe leftBytes.isEmpty
                    || memcmp(leftBytes.baseAddress!, rightBytes.baseAddress!, leftBytes.count) == 0
            }
        }
    }

    package func hash(into hasher: inout Hasher) {
        unsafe withBytes { unsafe hasher.combine(bytes: $0) }
        // No UTF-8 holds this byte: what is hashed after a name is told from its end.
        hasher.combine(0xFF as UInt8)
    }

    private var representation: Representation { unsafe unsafeBitCast(text, to: Representation.self) }

    private func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        if let result = unsafe text.utf8.withContiguousStorageIfAvailable({ unsafe body(UnsafeRawBufferPointer($0)) }) {
            return result
        }
        // Only strings that another language lent are not contiguous, and there are none on Linux.
        let copy = Array(text.utf8)
        return unsafe copy.withUnsafeBytes { unsafe body($0) }
    }
}

/// The sixteen bytes of a `String` value itself.
private struct Representation: Equatable {
    let first: UInt64
    let second: UInt64
}

extension Name: Comparable {
    /// By bytes, as S3 orders keys, which is the order of the code points.
    package static func < (left: Name, right: Name) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}

extension Name: CustomStringConvertible, CustomDebugStringConvertible {
    package var description: String { text.printable }
    package var debugDescription: String { "\"\(text.printable)\"" }
}
