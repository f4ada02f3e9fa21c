import Names
import ObjectEngine
import S3Types
import S3Wire

extension S3Request {
    /// The most user metadata, names and values together. Source: "Working with object metadata", Amazon S3 User Guide.
    private static let metadataLimitBytes = 2048

    private static let contentHeaders = [
        "content-type", "cache-control", "content-disposition", "content-encoding", "content-language", "expires",
    ]

    /// What the request says of the object beside its bytes.
    ///
    /// - Throws: MetadataTooLarge.
    func attributes(owner: Owner) throws(S3Error) -> ObjectAttributes {
        var headers: [HeaderField] = []
        for name in Self.contentHeaders {
            var value = first(name)
            if name == "content-encoding" { value = value.flatMap(Self.withoutChunkedEncoding) }
            if name == "content-type", value?.isEmpty ?? true { value = "binary/octet-stream" }
            if let value { headers.append(HeaderField(name: name, value: value)) }
        }
        var metadata: [HeaderField] = []
        var metadataBytes = 0
        for field in fields where field.name.hasBytePrefix("x-amz-meta-") {
            let name = String(Substring(field.name.utf8.dropFirst("x-amz-meta-".utf8.count)))
            metadataBytes += name.utf8.count + field.value.utf8.count
            if let index = metadata.firstIndex(where: { Name($0.name) == Name(name) }) {
                metadata[index].value += "," + field.value
            } else {
                metadata.append(HeaderField(name: name, value: field.value))
            }
        }
        guard metadataBytes <= Self.metadataLimitBytes else {
            throw S3Error(
                .metadataTooLarge,
                details: [("Size", String(metadataBytes)), ("MaxSizeAllowed", String(Self.metadataLimitBytes))])
        }
        return ObjectAttributes(owner: owner.id, headers: headers, userMetadata: metadata)
    }

    /// `aws-chunked` is how the body travelled and says nothing of the object.
    private static func withoutChunkedEncoding(_ value: String) -> String? {
        let codings = value.pieces(at: ",").map { $0.strippingBlanks() }.filter {
            Name($0.asciiLowercased()) != "aws-chunked" && !$0.isEmpty
        }
        return codings.isEmpty ? nil : codings.joined(separator: ",")
    }
}
