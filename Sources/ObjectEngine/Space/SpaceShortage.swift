/// What is full, and by how much.
package struct SpaceShortage: Hashable, Sendable, CustomStringConvertible {
    /// A directory of the filesystem that is full.
    package let directory: String
    package let freeBytes: UInt64
    /// With what the engine still owes the disk and what it keeps for deletes and recovery.
    package let neededBytes: UInt64

    package init(directory: String, freeBytes: UInt64, neededBytes: UInt64) {
        self.directory = directory
        self.freeBytes = freeBytes
        self.neededBytes = neededBytes
    }

    package var description: String {
        "the filesystem of \(directory) is full: \(freeBytes) bytes are free, \(neededBytes) are needed"
    }
}
