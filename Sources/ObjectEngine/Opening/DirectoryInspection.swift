import DurableFiles
import Glibc
import Names
import RocksKit

/// Holds the files of a directory to their formats, to each other and to the bound of what was acknowledged, and changes
/// nothing: RocksDB gets a directory to write in only once nothing is wrong with it.
///
/// Docs/Decisions/0015 has the rules and what they cannot tell.
struct DirectoryInspection {
    let layout: StoreLayout
    let disk: any Disk

    private(set) var faults: [DirectoryFault] = []
    private(set) var tornTail: TornTail?
    private(set) var bound: AcknowledgedBound?
    private(set) var facts = SystemFacts()
    /// The families that the manifest tells of, but for RocksDB's own; nil when it is not readable.
    private(set) var families: [String]?
    /// Tables and files of values that the manifest tells of.
    private(set) var liveFiles: [LiveFile] = []

    /// Tables and files of values that are missing or not what they say of themselves.
    private(set) var unreadableFiles: Set<Name> = []

    /// The format of the directory, where it is another than ours.
    var foreignFormat: UInt64? {
        [bound?.format, facts.format].compactMap { $0 }.first { $0 != Recovery.format }
    }

    init(_ layout: StoreLayout, disk: any Disk) {
        self.layout = layout
        self.disk = disk
    }

    mutating func run() {
        do throws(BoundFault) { bound = try BoundFile.read(layout.bound, disk: disk) } catch {
            faults.append(DirectoryFault(layout.directory, StoreLayout.boundName, error.reason))
        }
        guard inspectManifest() else { return }
        inspectIdentity()
        guard inspectFamilies(), let database = openTables() else { return }
        inspectFiles(of: database)
        // Damaged tables are not asked for anything.
        guard unreadableFiles.isEmpty else { return inspectLogs(of: database, over: [:], areTablesWhole: false) }
        let values: [[UInt8]: [UInt8]]
        do throws(RocksError) { values = try SystemFacts.values(in: database) } catch {
            add(StoreLayout.databaseName, error.message)
            return inspectLogs(of: database, over: [:], areTablesWhole: false)
        }
        inspectLogs(of: database, over: values, areTablesWhole: true)
    }

    private mutating func add(_ file: String, at offset: Int? = nil, _ reason: String) {
        faults.append(DirectoryFault(layout.directory, file, at: offset.map { UInt64($0) }, reason))
    }

    private static func inDatabase(_ name: String) -> String { StoreLayout.databaseName + "/" + name }

    /// Lends a file of the database; a fault when it cannot be had.
    private mutating func withFile(
        _ name: String, whole: Bool, _ body: (inout DirectoryInspection, InspectedFile) throws(FileError) -> Void
    ) {
        do throws(FileError) {
            let file = try InspectedFile(layout.database + "/" + name)
            // A sector that the disk cannot deliver is an error here, and a signal later.
            if whole { try file.populate(0..<file.byteCount) }
            try body(&self, file)
        } catch {
            add(Self.inDatabase(name), error.code == ENOENT ? "missing" : "\(error)")
        }
    }

    // MARK: Manifest

    /// - Returns: whether there is a manifest that can be read to its end.
    private mutating func inspectManifest() -> Bool {
        let name: String
        do throws(FileError) {
            let bytes = try disk.read(layout.database + "/CURRENT", limitBytes: 256)
            guard bytes.last == UInt8(ascii: "\n"), let text = String(validating: bytes.dropLast(), as: UTF8.self),
                StoreLayout.manifestNumber(text) != nil
            else {
                add(Self.inDatabase("CURRENT"), "does not name a manifest")
                return false
            }
            name = text
        } catch {
            add(Self.inDatabase("CURRENT"), error.code == ENOENT ? "missing" : "\(error)")
            return false
        }
        let before = faults.count
        guard (try? fileSize(layout.database + "/" + name)) != .some(nil) else {
            add(Self.inDatabase("CURRENT"), "names \(name), which is missing")
            return false
        }
        withFile(name, whole: true) { inspection, file throws(FileError) in
            inspection.inspect(manifest: file, name)
        }
        return faults.count == before
    }

    private mutating func inspect(manifest file: InspectedFile, _ name: String) {
        let broken = file.breakOfManifest()
        let end = broken?.recordStart ?? file.byteCount
        if let broken, !broken.isTornTail {
            return add(Self.inDatabase(name), at: broken.fault.offset, broken.fault.reason)
        }
        guard let bound else {
            // Without a bound nothing says that the end is the end.
            if let broken { add(Self.inDatabase(name), at: broken.fault.offset, broken.fault.reason) }
            return
        }
        if name.hasSameBytes(as: bound.manifest) {
            if UInt64(end) < bound.manifestBytes {
                add(
                    Self.inDatabase(name), at: broken?.fault.offset ?? end,
                    (broken?.fault.reason ?? "the file ends")
                        + ", and \(bound.manifestBytes) bytes of it were acknowledged")
            }
        } else if StoreLayout.manifestNumber(name) ?? 0 < StoreLayout.manifestNumber(bound.manifest) ?? 0 {
            add(
                Self.inDatabase("CURRENT"),
                "names \(name), which is older than the \(bound.manifest) that was acknowledged")
        }
    }

    private mutating func inspectIdentity() {
        withFile("IDENTITY", whole: false) { inspection, file throws(FileError) in
            if file.byteCount == 0 { inspection.add(Self.inDatabase("IDENTITY"), "empty") }
        }
    }

    // MARK: Tables

    private mutating func inspectFamilies() -> Bool {
        let names: [String]
        do throws(RocksError) { names = try Database.familyNames(in: layout.database) } catch {
            add(StoreLayout.databaseName, error.message)
            return false
        }
        families = names.filter { $0 != "default" }
        let wanted = Family.allCases.map(\.settings.name)
        for name in wanted where !names.contains(name) {
            add(StoreLayout.databaseName, "the family \(name) is missing")
        }
        for name in names where name != "default" && !wanted.contains(name) {
            add(StoreLayout.databaseName, "the family \(name) is none that this release knows")
        }
        return wanted.allSatisfy(names.contains)
    }

    /// Opens the tables without the logs, which are inspected apart.
    private mutating func openTables() -> Database? {
        let known = Family.allCases.map(\.settings.name)
        let others = (families ?? []).filter { !known.contains($0) }
        do throws(RocksError) {
            // The store's own directory holds no logs.
            return try Database.reading(
                layout.database, logDirectory: layout.directory, rule: .forgiving, families: known + others)
        } catch {
            add(StoreLayout.databaseName, error.message)
            return nil
        }
    }

    private mutating func inspectFiles(of database: Database) {
        liveFiles = database.liveFiles()
        for live in liveFiles {
            let before = faults.count
            withFile(live.name, whole: false) { inspection, file throws(FileError) in
                guard UInt64(file.byteCount) == live.sizeBytes else {
                    return inspection.add(
                        Self.inDatabase(live.name), at: min(file.byteCount, Int(live.sizeBytes)),
                        "the file has \(file.byteCount) bytes instead of \(live.sizeBytes)")
                }
                let fault = try live.holdsValues ? file.faultOfValueFile() : file.faultOfTable()
                if let fault { inspection.add(Self.inDatabase(live.name), at: fault.offset, fault.reason) }
            }
            if faults.count > before { unreadableFiles.insert(Name(live.name)) }
        }
    }

    // MARK: Logs

    /// - Parameter values: the system family as the tables have it, which the logs go on from.
    private mutating func inspectLogs(
        of database: Database, over values: [[UInt8]: [UInt8]], areTablesWhole: Bool
    ) {
        let oldest = database.property("rocksdb.min-log-number-to-keep", of: Family.system.rawValue) ?? 0
        let system = database.familyNumber(of: Family.system.rawValue)
        var logs: [(number: UInt64, name: String)] = []
        do throws(FileError) { logs = try layout.logs(disk).filter { $0.number >= oldest } } catch {
            return add(StoreLayout.databaseName, "\(error)")
        }
        var values = values
        var tail: (name: String, broken: LogBreak, bytes: Int)?
        for log in logs {
            withFile(log.name, whole: true) { inspection, file throws(FileError) in
                let least = inspection.bound?.logs.first { $0.number == log.number }?.bytes ?? 0
                // An opening to a torn record that is cut short leaves an empty batch in a log of its own: nothing was written.
                var hasWrites = false
                var isReadable = true
                let broken = file.walk { start, record in
                    guard let batch = LogBatch(record) else {
                        if isReadable { inspection.add(Self.inDatabase(log.name), at: start, "a record is no write") }
                        isReadable = false
                        return
                    }
                    hasWrites = hasWrites || !batch.entries.isEmpty
                    for entry in batch.entries where entry.family == system {
                        values[Array(entry.key)] = entry.kind == .put ? Array(entry.value) : nil
                    }
                }
                if let earlier = tail, hasWrites {
                    inspection.add(
                        Self.inDatabase(earlier.name), at: earlier.broken.fault.offset,
                        earlier.broken.fault.reason + ", and writes go on in \(log.name)")
                    tail = nil
                }
                inspection.compare(log.name, broken, end: broken?.recordStart ?? file.byteCount, least: least)
                if let broken, tail == nil { tail = (log.name, broken, file.byteCount) }
            }
        }
        // Of a log that was begun nothing may have been acknowledged, and then a power cut may take it.
        var lostLog: String?
        for log in bound?.logs ?? []
        where log.number >= oldest && !logs.contains(where: { $0.number == log.number }) {
            let digits = String(log.number)
            let name = String(repeating: "0", count: max(0, 6 - digits.utf8.count)) + digits + ".log"
            lostLog = name
            if log.bytes > 0 { add(Self.inDatabase(name), "missing, and \(log.bytes) bytes of it were acknowledged") }
        }
        if let tail, faults.isEmpty {
            tornTail = TornTail(
                file: Self.inDatabase(tail.name), offset: UInt64(tail.broken.recordStart),
                droppedBytes: UInt64(tail.bytes - tail.broken.recordStart), reason: tail.broken.fault.reason)
        }
        guard areTablesWhole else { return }
        do throws(RecordError) { facts = try SystemFacts(values) } catch {
            return add(StoreLayout.databaseName, "a key of the family system does not decode: \(error)")
        }
        compareFacts(lastLog: logs.last?.name, lostLog: lostLog)
        probe(database)
    }

    /// Reads of the tables what a start will read, so that damage there is found before RocksDB may write.
    private mutating func probe(_ database: Database) {
        do throws(EngineError) {
            _ = try BucketRecord.all(in: database)
            for family in [Family.blob, .part] {
                _ = try Recovery.unnamed(family, from: facts.mark?.blobFloor ?? 0, in: database)
            }
        } catch {
            let reason = if case .storage(let failure) = error { failure.message } else { "\(error)" }
            add(StoreLayout.databaseName, reason)
        }
    }

    private mutating func compare(_ name: String, _ broken: LogBreak?, end: Int, least: UInt64) {
        if let broken, !broken.isTornTail {
            let rest = broken.resumesAt.map { ", and whole records go on at byte \($0)" } ?? ""
            return add(Self.inDatabase(name), at: broken.fault.offset, broken.fault.reason + rest)
        }
        guard UInt64(end) < least else { return }
        add(
            Self.inDatabase(name), at: broken?.fault.offset ?? end,
            (broken?.fault.reason ?? "the file ends") + ", and \(least) bytes of it were acknowledged")
    }

    /// - Parameters:
    ///   - lastLog: where the last commits are, when there is a log.
    ///   - lostLog: one that the bound knows and that is not there.
    private mutating func compareFacts(lastLog: String?, lostLog: String?) {
        for (name, isThere) in [
            ("format", facts.format != nil), ("epoch", facts.epoch != nil), ("mark", facts.mark != nil),
        ] where !isThere {
            add(StoreLayout.databaseName, "the key \(name) of the family system is missing")
        }
        guard let bound else { return }
        if let epoch = facts.epoch, epoch != bound.epoch {
            add(StoreLayout.boundName, "is of another store: its epoch is \(bound.epoch), the database's \(epoch)")
        }
        if let mark = facts.mark, mark.sequence < bound.sequence {
            add(
                (lostLog ?? lastLog).map(Self.inDatabase) ?? StoreLayout.databaseName,
                (lostLog == nil ? "" : "missing, and all that is there ")
                    + "ends with commit \(mark.sequence), and commits up to \(bound.sequence) were acknowledged")
        }
    }
}
