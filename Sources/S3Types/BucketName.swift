import Names

/// The name of a bucket: 3 to 63 characters of `a-z 0-9 . -`, as the DNS label rules of S3 have it.
///
/// Source: "Bucket naming rules", Amazon S3 User Guide.
package struct BucketName: Hashable, Sendable, CustomStringConvertible {
    package let text: String  // text: ASCII, checked by init

    package var description: String { text }

    /// - Throws: ``ValueError/bucketName(_:)`` when any rule is broken.
    package init(_ text: String) throws(ValueError) {
        guard Self.isValid(text) else { throw .bucketName(text) }
        self.text = text
    }

    private static func isValid(_ text: String) -> Bool {
        let name = text.utf8
        guard (3...63).contains(name.count), let first = name.first, let last = name.last else { return false }
        guard isLetterOrDigit(first), isLetterOrDigit(last) else { return false }
        var previous = first
        for byte in name {
            guard isLetterOrDigit(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") else { return false }
            let isBrokenLabel =
                (byte == UInt8(ascii: ".") && (previous == UInt8(ascii: ".") || previous == UInt8(ascii: "-")))
                || (byte == UInt8(ascii: "-") && previous == UInt8(ascii: "."))
            guard !isBrokenLabel else { return false }
            previous = byte
        }
        return !looksLikeIPv4(name) && !isReserved(text)
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func looksLikeIPv4(_ name: String.UTF8View) -> Bool {
        let labels = name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return labels.count == 4
            && labels.allSatisfy { label in
                (1...3).contains(label.count)
                    && label.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            }
    }

    private static func isReserved(_ name: String) -> Bool {
        ["xn--", "sthree-", "amzn-s3-demo-"].contains { name.hasBytePrefix($0) }
            || ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].contains { name.hasByteSuffix($0) }
    }
}
