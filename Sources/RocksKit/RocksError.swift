import CRocksDB

/// What RocksDB refused, in its own words.
package struct RocksError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable {
        /// A checksum or a structure on the disk is wrong. Report it; do not retry.
        case corruption
        /// The disk is full. Nothing was written; retry once there is room.
        case noSpace
        /// Another process holds the directory, or the disk failed. Report it.
        case inputOutput
        /// Anything else.
        case other(code: Int32)
    }

    package let kind: Kind
    package let message: String

    package var description: String { message }

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }
}

/// Whether a lookup found something. Consumes the status and its text.
///
/// - Throws: the failure that the status tells of; "not found" is none.
func found(_ status: crocks_status) throws(RocksError) -> Bool {
    let (code, subcode) = unsafe (status.code, status.subcode)
    guard code != Int32(crocks_code_ok) else { return true }
    guard code != Int32(crocks_code_not_found) else { return false }
    var message = "RocksDB status \(code)"
    if let text = unsafe status.message {
        message = unsafe String(cString: text)
        unsafe crocks_free_text(text)
    }
    let kind: RocksError.Kind =
        switch code {
        case Int32(crocks_code_corruption): .corruption
        case Int32(crocks_code_io_error) where subcode == Int32(crocks_subcode_no_space): .noSpace
        case Int32(crocks_code_io_error): .inputOutput
        default: .other(code: code)
        }
    throw RocksError(kind, message)
}

/// Consumes a status whose only good value is success.
func check(_ status: crocks_status) throws(RocksError) {
    guard try unsafe found(status) else { throw RocksError(.other(code: Int32(crocks_code_not_found)), "not found") }
}
