import DurableFiles
import Glibc
import Names

/// Where the files of a store are, and how far its directory has come.
///
/// The order in which a directory is made: ``marker``, the database, the facts in it, ``bound``; then the marker goes. So a
/// directory with the marker and without the bound was never finished and nothing in it was acknowledged, and any other
/// that holds something is a store, which lacks nothing unless it is damaged.
package struct StoreLayout: Sendable {
    package enum State: Hashable, Sendable {
        /// Absent or empty.
        case new
        /// A crash fell before the end of its making.
        case unfinished
        /// A salvage that wrote into it did not come to its end: it may hold a part of the store and no list of the losses.
        case unfinishedSalvage
        case complete
        /// Holds this and no store.
        case foreign(String)
    }

    package let directory: String

    package init(_ directory: String) { self.directory = directory }

    static let databaseName = "rocksdb"
    static let stagingName = "staging"
    static let boundName = "bound"
    static let markerName = "initialising"
    /// What a salvage reads its source through. It is made first and goes last.
    static let viewName = "salvage-view"
    static let reserveName = "reserve"
    /// What others put beside a store, or before it is made: keys, the reserve of space, a file system's own.
    private static let neighbours: Set<Name> = [
        "root-credentials", "root-credentials.new", "lost+found", Name(reserveName),
    ]

    var database: String { directory + "/" + Self.databaseName }
    var staging: String { directory + "/" + Self.stagingName }
    var reserve: String { directory + "/" + Self.reserveName }
    var bound: String { directory + "/" + Self.boundName }
    var view: String { directory + "/" + Self.viewName }
    var marker: String { directory + "/" + Self.markerName }

    func state(_ disk: some Disk) throws(FileError) -> State {
        let names: [String]
        do throws(FileError) { names = try disk.list(directory) } catch {
            if error.code == ENOENT { return .new }
            throw error
        }
        if names.contains(Self.viewName) { return .unfinishedSalvage }
        if names.contains(Self.boundName) { return .complete }
        if names.contains(Self.markerName) { return .unfinished }
        if names.contains(Self.databaseName) || names.contains(Self.stagingName) { return .complete }
        let foreign = names.first { !Self.neighbours.contains(Name($0)) && !$0.hasBytePrefix(".") }
        return foreign.map { .foreign($0) } ?? .new
    }

    /// The number in the name of a log, such as `000012.log`.
    static func logNumber(_ name: String) -> UInt64? {
        guard name.hasByteSuffix(".log") else { return nil }
        return UInt64(name.dropLast(4))
    }

    static func manifestNumber(_ name: String) -> UInt64? {
        guard name.hasBytePrefix("MANIFEST-") else { return nil }
        return UInt64(name.dropFirst(9))
    }

    /// The logs there are, in the order they were written in.
    func logs(_ disk: some Disk) throws(FileError) -> [(number: UInt64, name: String)] {
        try disk.list(database).compactMap { name in Self.logNumber(name).map { ($0, name) } }
            .sorted { $0.number < $1.number }
    }
}
