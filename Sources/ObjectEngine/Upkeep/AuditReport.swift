/// What an audit of a directory found.
package struct AuditReport: Sendable, Equatable {
    package var bucketCount = 0
    package var objectCount = 0
    package var uploadPartCount = 0
    /// The sizes of all objects and parts, as their records say.
    package var recordedBytes: UInt64 = 0
    /// Bodies that lie in the database and that no record names.
    package var orphanCount = 0
    /// Bodies whose reference count is not the number of records that name them.
    package var miscountedCount = 0
    /// Records that do not decode, and objects whose bytes are missing or are not the ones that were stored.
    package var damages: [String] = []

    /// Whether everything is as it should be.
    package var isSound: Bool { orphanCount == 0 && miscountedCount == 0 && damages.isEmpty }

    package init() {}
}
