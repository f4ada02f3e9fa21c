import DurableFiles
import Glibc
import RocksKit

/// A directory on its way to an engine: locked, and either new or inspected and found whole.
struct StoreOpening {
    let layout: StoreLayout
    let lock: DirectoryLock
    /// Whether the directory is to be made, or its making to be finished.
    let isNew: Bool
    let tornTail: TornTail?
    private let disk: any Disk
    private let bound: AcknowledgedBound?

    /// - Parameter isSalvage: makes the directory one of a salvage, which is no store until the view in it is removed.
    /// - Throws: ``EngineError/damaged(_:)``, ``EngineError/unsupportedFormat(found:supported:)`` and, for a directory that
    ///   another process has open, ``EngineError/storage(_:)``; nothing has changed then.
    init(_ directory: String, disk: some Disk, isSalvage: Bool = false) throws(EngineError) {
        let layout = StoreLayout(directory)
        self.layout = layout
        self.disk = disk
        var state = try filing { () throws(FileError) in try layout.state(disk) }
        if state == .new { try filing { () throws(FileError) in try disk.makeDirectory(directory, mode: 0o700) } }
        self.lock = try Self.lock(directory)
        // Another process may have made it meanwhile.
        state = try filing { () throws(FileError) in try layout.state(disk) }
        switch state {
        case .foreign(let name):
            throw .damaged(
                .file(
                    DirectoryFault(
                        directory, name, "stands where a store was to be made, which takes an empty directory")))
        case .unfinishedSalvage: throw .damaged(.unfinishedSalvage(directory: directory))
        case .new, .unfinished:
            try filing { () throws(FileError) in
                if isSalvage {
                    try disk.makeDirectory(layout.view, mode: 0o700)
                    try disk.syncDirectory(directory)
                }
                try disk.write(RawSpan(), to: layout.marker, mode: 0o600)
                try disk.syncDirectory(directory)
            }
            self.isNew = true
            self.tornTail = nil
            self.bound = nil
        case .complete:
            let inspection = try Self.inspect(layout, disk: disk)
            self.isNew = false
            self.tornTail = inspection.tornTail
            self.bound = inspection.bound
        }
    }

    private static func inspect(_ layout: StoreLayout, disk: any Disk) throws(EngineError) -> DirectoryInspection {
        var inspection = DirectoryInspection(layout, disk: disk)
        inspection.run()
        if let format = inspection.foreignFormat {
            throw .unsupportedFormat(found: format, supported: Recovery.format)
        }
        if let fault = inspection.faults.first { throw .damaged(.file(fault)) }
        return inspection
    }

    /// Looks at a directory that the process itself has worked in until the disk failed.
    ///
    /// - Parameter acknowledged: the sequence of the last commit that anyone was told of. No crash came in between, so that it has to
    ///   be there, however far the bound lies behind it.
    static func ruleToOpenAnew(
        _ layout: StoreLayout, disk: any Disk, acknowledged: UInt64
    ) throws(EngineError) -> OpeningRule {
        let inspection = try inspect(layout, disk: disk)
        if let mark = inspection.facts.mark, mark.sequence < acknowledged {
            throw .damaged(
                .file(
                    DirectoryFault(
                        layout.directory, StoreLayout.databaseName,
                        "holds commits up to \(mark.sequence), and \(acknowledged) was acknowledged")))
        }
        return inspection.tornTail == nil ? .whole : .toTornRecord
    }

    static func lock(_ directory: String) throws(EngineError) -> DirectoryLock {
        do throws(FileError) { return try DirectoryLock(directory) } catch {
            guard error.code == EWOULDBLOCK else { throw .files(error) }
            throw .storage(RocksError(.inputOutput, "\(directory) is open in another process"))
        }
    }

    /// Records where a directory stands that an engine is about to work in; with that a new one is complete.
    func finish(in database: Database, epoch: UInt64, sequence: UInt64) throws(EngineError) -> BoundKeeper {
        let first = AcknowledgedBound(
            format: Recovery.format, epoch: epoch, sequence: sequence, manifest: "", manifestBytes: 0, logs: [])
        let count = bound?.count ?? first.count + 1
        let isMade = try filing { () throws(FileError) in try fileSize(layout.bound) != nil }
        if !isMade { try filing { () throws(FileError) in try BoundFile.make(layout.bound, first, disk: disk) } }
        let file = try filing { () throws(FileError) in try BoundFile(layout.bound, after: count) }
        let keeper = BoundKeeper(layout, disk: disk, bound: bound ?? first, file: file)
        try keeper.settle(sequence, in: database)
        try filing { () throws(FileError) in
            try disk.remove(layout.marker)
            if isNew { try disk.syncDirectory(layout.directory) }
        }
        return keeper
    }
}
