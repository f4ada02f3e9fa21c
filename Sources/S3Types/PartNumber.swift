/// The number of a part of a multipart upload: 1 to 10,000.
///
/// Source: "Amazon S3 multipart upload limits", Amazon S3 User Guide.
package struct PartNumber: Hashable, Sendable, Comparable, CustomStringConvertible {
    package static let limit: UInt16 = 10_000

    package let value: UInt16

    package var description: String { String(value) }

    /// - Throws: ``ValueError/partNumber(_:)`` outside 1...10,000.
    package init(_ value: Int) throws(ValueError) {
        guard (1...Int(Self.limit)).contains(value) else { throw .partNumber(String(value)) }
        self.value = UInt16(value)
    }

    /// - Throws: ``ValueError/partNumber(_:)`` when the text is no decimal number of 1...10,000.
    package init(_ text: some StringProtocol) throws(ValueError) {
        guard let value = Int(digits: text) else { throw .partNumber(String(text)) }
        try self.init(value)
    }

    package static func < (left: PartNumber, right: PartNumber) -> Bool { left.value < right.value }
}
