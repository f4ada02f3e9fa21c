package import S3Types

/// What a salvage found, carried over, and could not.
package struct SalvageReport: Sendable {
    package enum Loss: Hashable, Sendable {
        /// A file of the source that is not as it was left; what it held may be lost.
        case damage(DirectoryFault)
        /// Commits that were acknowledged and of which the source has no trace.
        case commits(after: UInt64, through: UInt64)
        /// The source does not tell how far it was acknowledged.
        case unknownCommits(after: UInt64)
        case object(bucket: BucketName, key: ObjectKey, reason: String)
        /// Keys of a family that cannot be read; what they named is of unknown state.
        case keys(family: String, after: [UInt8], before: [UInt8]?)
        case upload(String, reason: String)
        case record(Damage)
        case family(String)
    }

    package var bucketCount = 0
    package var objectCount = 0
    package var uploadCount = 0
    package var sizeBytes: UInt64 = 0
    /// Of the last commit that the source holds.
    package var sequence: UInt64 = 0
    package var losses: [Loss] = []
    package var tornTail: TornTail?

    package init() {}
}

extension SalvageReport.Loss: CustomStringConvertible {
    package var description: String {
        switch self {
        case .damage(let fault): "damaged: \(fault)"
        case .commits(let after, let through): "lost: commits \(after + 1) to \(through), which were acknowledged"
        case .unknownCommits(let after): "unknown: whether commits after \(after) were acknowledged"
        case .object(let bucket, let key, let reason): "lost: \(bucket.text)/\(key.text.debugDescription): \(reason)"
        case .keys(let family, let after, let before):
            "unknown: keys of the family \(family) after \(Self.shown(after)) and before "
                + (before.map(Self.shown) ?? "the end")
        case .upload(let name, let reason): "lost: upload \(name): \(reason)"
        case .record(let damage): "lost: \(damage)"
        case .family(let name): "lost: the family \(name) as a whole"
        }
    }

    private static func shown(_ key: [UInt8]) -> String {
        guard key.count > 8, let number = StoreKey.number(at: 0, in: key) else { return "\(key)" }
        return "\(number)/" + String(decoding: key[8...], as: UTF8.self).debugDescription
    }
}
