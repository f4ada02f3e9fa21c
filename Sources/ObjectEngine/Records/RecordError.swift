/// Why stored bytes are not the record they should be.
package enum RecordError: Error, Hashable, Sendable {
    /// The bytes end before the record does.
    case truncated
    /// Bytes follow the end of the record.
    case trailingBytes
    /// Written by a later release.
    case unknownVersion(UInt8)
    /// A field holds what no writer puts there.
    case invalid(field: String)
}
