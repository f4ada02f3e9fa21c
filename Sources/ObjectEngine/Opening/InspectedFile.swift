import DurableFiles
import RocksKit

/// A file of the database, mapped, and what its format says of it.
final class InspectedFile: Sendable {
    private let file: MappedFile

    init(_ path: String) throws(FileError) {
        self.file = try MappedFile(path)
    }

    var byteCount: Int { file.byteCount }

    func populate(_ range: Range<Int>) throws(FileError) {
        try file.populate(range)
    }

    func copied(_ count: Int) -> [UInt8] {
        file.withBytes { bytes in unsafe bytes.extracting(first: count).withUnsafeBytes { unsafe Array($0) } }
    }

    /// Visits the records of a log; the file must have been populated.
    func walk(_ visit: (_ start: Int, _ record: [UInt8]) -> Void) -> LogBreak? {
        file.withBytes { LogWalk.walk($0, visit) }
    }

    /// Where a manifest stops being readable; the file must have been populated.
    func breakOfManifest() -> LogBreak? {
        file.withBytes { LogWalk.walk($0, holdsBatches: false) { _, _ in } }
    }

    /// A log with the records of this one that are whole, also those behind damage; the file must have been populated.
    func mended() -> [UInt8] {
        var records: [[UInt8]] = []
        file.withBytes { LogWalk.walkOverBreaks($0) { records.append($1) } }
        return LogWalk.file(of: records)
    }

    func faultOfTable() throws(FileError) -> FileFault? {
        try file.withBytes { bytes throws(FileError) in
            try TableFile.fault(in: bytes) { range throws(FileError) in try self.populate(range) }
        }
    }

    func faultOfValueFile() throws(FileError) -> FileFault? {
        try file.withBytes { bytes throws(FileError) in
            try BlobFile.fault(in: bytes) { range throws(FileError) in try self.populate(range) }
        }
    }

    /// Of every value; the file must have been populated.
    func faultOfValues() -> FileFault? {
        file.withBytes { BlobFile.faultOfValues(in: $0) }
    }
}
