/// A file of a store's directory that is not as it was left.
package struct DirectoryFault: Hashable, Sendable, CustomStringConvertible {
    package let directory: String
    /// Within the directory.
    package let file: String
    package let offset: UInt64?
    package let reason: String

    init(_ directory: String, _ file: String, at offset: UInt64? = nil, _ reason: String) {
        self.directory = directory
        self.file = file
        self.offset = offset
        self.reason = reason
    }

    package var description: String {
        "\(directory)/\(file)\(offset.map { ", byte \($0)" } ?? ""): \(reason)"
    }
}

/// The end of the last log where a crash interrupted a write that nobody was told of.
package struct TornTail: Hashable, Sendable, CustomStringConvertible {
    package let file: String
    /// Behind the last whole record.
    package let offset: UInt64
    package let droppedBytes: UInt64
    package let reason: String

    package var description: String {
        "\(file), byte \(offset): \(reason); \(droppedBytes) bytes of writes that a crash interrupted are left out"
    }
}
