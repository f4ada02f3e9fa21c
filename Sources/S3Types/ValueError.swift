/// Why a text from outside is not the value it claims to be.
///
/// The caller answers the S3 error that belongs to the case; nothing has happened yet.
package enum ValueError: Error, Equatable, Sendable {
    case bucketName(String)
    case objectKeyEmpty
    case objectKeyTooLong(byteCount: Int)
    case objectKeyNotUTF8
    case etag(String)
    case versionID(String)
    case uploadID(String)
    case partNumber(String)
    case checksum(ChecksumAlgorithm, String)
}
