package import S3Types

/// The body of CompleteMultipartUpload.
package struct CompleteUploadDocument: Sendable {
    package struct Part: Sendable {
        package let number: PartNumber
        package let etag: ETag
        package let checksums: [Checksum]
    }

    package let parts: [Part]

    private static let partElements =
        ["PartNumber", "ETag"] + ChecksumAlgorithm.allCases.map { "Checksum" + $0.rawValue }
    private static let unservedChecksums = ["MD5", "SHA512", "XXHASH3", "XXHASH64", "XXHASH128"].map { "Checksum" + $0 }

    /// - Throws: MalformedXML; InvalidRequest for a checksum that does not parse, NotImplemented for one that cannot be verified.
    package init(_ bytes: [UInt8]) throws(S3Error) {
        let root = try readDocument(bytes, root: "CompleteMultipartUpload")
        try root.check(once: [], many: ["Part"])
        var parts: [Part] = []
        for element in root.all("Part") {
            try element.check(once: Self.partElements, unserved: Self.unservedChecksums)
            guard let numberText = element.trimmedText(of: "PartNumber"), let etagText = element.trimmedText(of: "ETag")
            else {
                throw S3Error(.malformedXML)
            }
            do throws(ValueError) {
                let number = try PartNumber(numberText)
                let etag = try ETag(etagText)
                var checksums: [Checksum] = []
                for algorithm in ChecksumAlgorithm.allCases {
                    guard let text = element.text(of: "Checksum" + algorithm.rawValue) else { continue }
                    checksums.append(try Checksum(algorithm, text: text))
                }
                parts.append(Part(number: number, etag: etag, checksums: checksums))
            } catch .checksum(let algorithm, let text) {
                throw S3Error(.checksum(algorithm, text))
            } catch .etag {
                throw S3Error(.invalidPart)
            } catch {
                throw S3Error(.malformedXML)
            }
        }
        guard (1...Int(PartNumber.limit)).contains(parts.count) else { throw S3Error(.malformedXML) }
        self.parts = parts
    }
}
