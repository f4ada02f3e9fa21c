package import S3Types

/// The body of CompleteMultipartUpload.
package struct CompleteUploadDocument: Sendable {
    package struct Part: Sendable {
        package let number: PartNumber
        package let etag: ETag
        package let checksums: [Checksum]
    }

    package let parts: [Part]

    /// - Throws: MalformedXML; InvalidRequest for a checksum that does not parse.
    package init(_ bytes: [UInt8]) throws(S3Error) {
        let root = try readDocument(bytes, root: "CompleteMultipartUpload")
        var parts: [Part] = []
        for element in root.all("Part") {
            guard let numberText = element.text(of: "PartNumber"), let etagText = element.text(of: "ETag") else {
                throw S3Error(.malformedXML)
            }
            do throws(ValueError) {
                let number = try PartNumber(numberText.filter { !$0.isWhitespace })
                let etag = try ETag(etagText.filter { !$0.isWhitespace })
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
