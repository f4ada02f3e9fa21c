package import S3Types

extension Checksum {
    /// As it stands in a header or a document: base64, and `-N` behind a composite value.
    package var text: String { base64(bytes) + (partCount.map { "-\($0)" } ?? "") }

    /// A full-object value from its base64.
    ///
    /// - Throws: ``ValueError/checksum(_:_:)``.
    package init(_ algorithm: ChecksumAlgorithm, text: String) throws(ValueError) {
        guard let bytes = S3Types.bytes(base64: text), bytes.count == algorithm.byteCount else {
            throw .checksum(algorithm, text)
        }
        self.init(algorithm, bytes: bytes)
    }
}
