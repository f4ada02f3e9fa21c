/// One header or metadata entry, as the client sent it.
package struct HeaderField: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// What a client says of an object beside its bytes.
package struct ObjectAttributes: Hashable, Sendable {
    /// Who may read the object as its own; an opaque id.
    package var owner: String
    package var tenant: String
    package var storageClass: String
    /// Content headers that are given back on GET, in order.
    package var headers: [HeaderField]
    package var userMetadata: [HeaderField]

    package init(
        owner: String, tenant: String = "", storageClass: String = "STANDARD", headers: [HeaderField] = [],
        userMetadata: [HeaderField] = []
    ) {
        self.owner = owner
        self.tenant = tenant
        self.storageClass = storageClass
        self.headers = headers
        self.userMetadata = userMetadata
    }
}

extension ByteWriter {
    mutating func fields(_ fields: [HeaderField]) {
        count(fields.count)
        for field in fields {
            text(field.name)
            text(field.value)
        }
    }

    /// Owner, tenant, class, headers, metadata.
    mutating func attributes(_ attributes: ObjectAttributes) {
        text(attributes.owner)
        text(attributes.tenant)
        text(attributes.storageClass)
        fields(attributes.headers)
        fields(attributes.userMetadata)
    }
}

extension ByteReader {
    mutating func fields() throws(RecordError) -> [HeaderField] {
        var fields: [HeaderField] = []
        for _ in 0..<(try count()) {
            fields.append(HeaderField(name: try text(), value: try text()))
        }
        return fields
    }

    mutating func attributes() throws(RecordError) -> ObjectAttributes {
        ObjectAttributes(
            owner: try text(), tenant: try text(), storageClass: try text(), headers: try fields(),
            userMetadata: try fields())
    }
}
