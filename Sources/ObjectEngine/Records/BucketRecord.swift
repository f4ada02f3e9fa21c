package import S3Types

/// A bucket, resolved once for a request: a bucket of the same name made later has another id.
package struct BucketRecord: Hashable, Sendable {
    static let version: UInt8 = 1

    package let id: BucketID
    package let name: BucketName
    package let owner: String
    package let tenant: String
    package let region: String
    package let storageClass: String
    package let createdMilliseconds: Int64

    /// Its place in the history of the store, which is also its id.
    package var sequence: UInt64 { id.value }

    init(
        id: BucketID, name: BucketName, owner: String, tenant: String, region: String,
        storageClass: String = "STANDARD",
        createdMilliseconds: Int64
    ) {
        self.id = id
        self.name = name
        self.owner = owner
        self.tenant = tenant
        self.region = region
        self.storageClass = storageClass
        self.createdMilliseconds = createdMilliseconds
    }

    var encoded: [UInt8] {
        var writer = ByteWriter(version: Self.version)
        writer.number(id.value)
        writer.number(createdMilliseconds)
        writer.text(owner)
        writer.text(tenant)
        writer.text(region)
        writer.text(storageClass)
        return writer.bytes
    }

    init(name: BucketName, decoding bytes: [UInt8]) throws(RecordError) {
        var reader = try ByteReader(bytes, version: Self.version)
        self.id = BucketID(try reader.number())
        self.name = name
        self.createdMilliseconds = try reader.signedNumber()
        self.owner = try reader.text()
        self.tenant = try reader.text()
        self.region = try reader.text()
        self.storageClass = try reader.text()
        try reader.finish()
    }
}
