import NIOHTTP1
import ObjectEngine
import S3Types
import S3Wire

extension S3Service {
    /// Source: "AbortMultipartUpload", Amazon S3 API Reference.
    func abortMultipartUpload(_ request: S3Request) async throws(S3Error) -> Answer {
        let key = try request.key()
        let bucket = try bucket(of: request)
        let id = try request.uploadID()
        let upload = try asking { () throws(EngineError) in try engine.upload(id, of: key, in: bucket) }
        try await asking { () async throws(EngineError) in try await engine.abortUpload(upload) }
        return Answer(.noContent)
    }

    /// Source: "ListParts", Amazon S3 API Reference.
    func listParts(_ request: S3Request) throws(S3Error) -> Answer {
        let key = try request.key()
        let bucket = try bucket(of: request)
        let id = try request.uploadID()
        let isEncoded = try request.wantsURLEncoding()
        let limit = min(try request.number("max-parts") ?? 1000, 1000)
        let marker = try request.number("part-number-marker") ?? 0
        // Zero, the marker of the first page, is no part's number; nothing comes after one beyond the last.
        let after = marker == 0 ? nil : try? PartNumber(min(marker, Int(PartNumber.limit)))
        let upload = try asking { () throws(EngineError) in try engine.upload(id, of: key, in: bucket) }
        let page = try asking { () throws(EngineError) in
            try engine.parts(of: upload, after: after, limit: max(limit, 1))
        }
        let parts = limit == 0 ? [] : page.parts

        var xml = XMLWriter(root: "ListPartsResult")
        xml.element("Bucket", bucket.name.text)
        xml.element("Key", isEncoded ? PercentEncoding.encode(key.text, keepsSlash: true) : key.text)
        xml.element("UploadId", id.text)
        xml.owner("Initiator", configuration.owner)
        xml.owner("Owner", configuration.owner)
        xml.element("StorageClass", upload.attributes.storageClass)
        xml.element("PartNumberMarker", marker)
        if let last = parts.last, page.isTruncated { xml.element("NextPartNumberMarker", last.number.value) }
        xml.element("MaxParts", limit)
        xml.element("IsTruncated", limit > 0 && page.isTruncated)
        if isEncoded { xml.element("EncodingType", "url") }
        if let algorithm = upload.checksumAlgorithm { xml.element("ChecksumAlgorithm", algorithm.rawValue) }
        if let type = upload.checksumType { xml.element("ChecksumType", type.rawValue) }
        for part in parts {
            xml.group("Part") { xml in
                xml.element("PartNumber", part.number.value)
                xml.element("LastModified", WireTime.iso8601(milliseconds: part.modifiedMilliseconds))
                xml.element("ETag", part.etag.quoted)
                xml.element("Size", part.sizeBytes)
                xml.checksums(part.checksums, withType: false)
            }
        }
        return Answer(document: xml)
    }

    /// Source: "ListMultipartUploads", Amazon S3 API Reference.
    func listMultipartUploads(_ request: S3Request) throws(S3Error) -> Answer {
        let bucket = try bucket(of: request)
        let isEncoded = try request.wantsURLEncoding()
        let limit = min(try request.number("max-uploads") ?? 1000, 1000)
        let keyMarker = request.query.first("key-marker").flatMap { $0.isEmpty ? nil : $0 }
        let idMarker = request.query.first("upload-id-marker").flatMap { $0.isEmpty ? nil : $0 }
        let query = UploadQuery(
            prefix: request.query.first("prefix") ?? "", delimiter: request.query.first("delimiter") ?? "",
            keyMarker: keyMarker,
            // A marker that no upload of ours can have stands before none of them.
            uploadIDMarker: idMarker.flatMap { try? UploadID($0) }, limit: max(limit, 1))
        let page = try asking { () throws(EngineError) in try engine.uploads(query, in: bucket) }
        func encoded(_ text: String) -> String { isEncoded ? PercentEncoding.encode(text, keepsSlash: true) : text }

        var xml = XMLWriter(root: "ListMultipartUploadsResult")
        xml.element("Bucket", bucket.name.text)
        xml.element("KeyMarker", encoded(keyMarker ?? ""))
        xml.element("UploadIdMarker", idMarker ?? "")
        if limit > 0, let next = page.next {
            xml.element("NextKeyMarker", encoded(next.key))
            xml.element("NextUploadIdMarker", next.uploadID?.text ?? "")
        }
        if !query.delimiter.isEmpty { xml.element("Delimiter", encoded(query.delimiter)) }
        xml.element("Prefix", encoded(query.prefix))
        if isEncoded { xml.element("EncodingType", "url") }
        xml.element("MaxUploads", limit)
        xml.element("IsTruncated", limit > 0 && page.next != nil)
        for upload in limit > 0 ? page.uploads : [] {
            xml.group("Upload") { xml in
                xml.element("Key", encoded(upload.key.text))
                xml.element("UploadId", upload.id.text)
                xml.owner("Initiator", configuration.owner)
                xml.owner("Owner", configuration.owner)
                xml.element("StorageClass", upload.attributes.storageClass)
                xml.element("Initiated", WireTime.iso8601(milliseconds: upload.createdMilliseconds))
                if let algorithm = upload.checksumAlgorithm { xml.element("ChecksumAlgorithm", algorithm.rawValue) }
                if let type = upload.checksumType { xml.element("ChecksumType", type.rawValue) }
            }
        }
        for prefix in limit > 0 ? page.commonPrefixes : [] {
            xml.group("CommonPrefixes") { $0.element("Prefix", encoded(prefix)) }
        }
        return Answer(document: xml)
    }
}
