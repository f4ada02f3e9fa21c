/// The parameters that make a request of S3 another operation.
///
/// Each of them that an operation does not take is refused on every method: with an SDK that knows it, the request would not be the plain
/// read, write or delete that is left without it.
enum Subresources {
    /// Source: every parameter in an address of `Data/Vectors/S3Operations/operations.tsv`, which a test compares; `select` comes
    /// with `select-type` and `uploadId` stands for the operations on an upload.
    private static let names = NameTable([
        "abac", "accelerate", "acl", "analytics", "annotation", "attributes", "cors", "delete", "encryption",
        "intelligent-tiering", "inventory", "legal-hold", "lifecycle", "location", "logging", "metadataAnnotationTable",
        "metadataConfiguration", "metadataInventoryTable", "metadataJournalTable", "metadataTable", "metrics",
        "notification", "object-lock", "ownershipControls", "policy", "policyStatus", "publicAccessBlock",
        "renameObject", "replication", "requestPayment", "restore", "retention", "select", "session", "tagging",
        "torrent", "uploadId", "uploads", "versioning", "versions", "website",
        // This store's own: the feed's.
        "events",
    ])

    static func contains(_ name: String) -> Bool { names.contains(name) }
}
