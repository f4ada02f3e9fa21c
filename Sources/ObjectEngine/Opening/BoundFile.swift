import DurableFiles
import Glibc

/// The file of the bound: two slots that are written in turn, so that a crash while one is written leaves the other.
struct BoundFile {
    private let file: OverwrittenFile
    private var count: UInt64

    /// Makes the file, whole or not at all.
    static func make(_ path: String, _ bound: AcknowledgedBound, disk: some Disk) throws(FileError) {
        var second = bound
        second.count = bound.count + 1
        let bytes = bound.slot + second.slot
        try unsafe disk.replace(path, with: bytes.span.bytes, mode: 0o600)
    }

    /// The latest whole slot.
    ///
    /// - Throws: ``BoundFault`` in words when the file is missing, has another size or no whole slot.
    static func read(_ path: String, disk: some Disk) throws(BoundFault) -> AcknowledgedBound {
        let size = AcknowledgedBound.slotBytes * AcknowledgedBound.slotCount
        let bytes: [UInt8]
        do throws(FileError) { bytes = try disk.read(path, limitBytes: size) } catch {
            guard error.code == ENOENT else { throw BoundFault(reason: "\(error)") }
            throw BoundFault(
                reason:
                    "missing: nothing else tells what was acknowledged. If an earlier release wrote the directory and "
                    + "stopped cleanly, salvage carries all of it over")
        }
        guard bytes.count == size else { throw BoundFault(reason: "has \(bytes.count) bytes instead of \(size)") }
        let slots = stride(from: 0, to: size, by: AcknowledgedBound.slotBytes).compactMap { start in
            AcknowledgedBound(slot: Array(bytes[start..<start + AcknowledgedBound.slotBytes]))
        }
        guard let latest = slots.max(by: { $0.count < $1.count }) else {
            throw BoundFault(reason: "neither of its two slots is whole")
        }
        return latest
    }

    init(_ path: String, after count: UInt64) throws(FileError) {
        self.file = try OverwrittenFile(path)
        self.count = count
    }

    /// Overwrites the older slot; on the disk on return.
    mutating func write(_ bound: AcknowledgedBound) throws(FileError) {
        var next = bound
        next.count = count + 1
        let slot = next.slot
        let offset = Int(next.count % UInt64(AcknowledgedBound.slotCount)) * AcknowledgedBound.slotBytes
        try unsafe file.write(slot.span.bytes, at: offset)
        count = next.count
    }
}

/// Why there is no bound to be had.
struct BoundFault: Error, Hashable {
    let reason: String
}
