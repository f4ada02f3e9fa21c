/// Why a document is not read.
package enum XMLReaderError: Error, Equatable, Sendable {
    case tooLarge(limitBytes: Int)
    /// Not UTF-8, or not well-formed.
    case malformed(reason: String)
    /// Beyond a bound of ``XMLReader``, or with something that XML has and no document of S3 needs.
    case notTaken(reason: String)
}
