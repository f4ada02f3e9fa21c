import DurableFiles
import Glibc
import Names
import RocksKit

/// A damaged store opened for reading, as far as that goes.
///
/// RocksDB reads it through a directory of links, in which `CURRENT` and the manifest are copies that were put right: the
/// source itself is never written to.
struct SalvageSource {
    let database: Database
    let families: [Family: UInt32]

    /// - Parameters:
    ///   - view: a directory that is made for the links and goes with ``remove(_:disk:)``.
    ///   - unreadable: tables that cannot be read by their own description, and are left out.
    init(
        _ layout: StoreLayout, view: String, without unreadable: Set<Name>, disk: any Disk
    ) throws(EngineError) {
        try filing { () throws(FileError) in try Self.link(layout, view: view, without: unreadable, disk: disk) }
        let names = try storing { () throws(RocksError) in try Database.familyNames(in: view) }.filter {
            $0 != "default"
        }
        var families: [Family: UInt32] = [:]
        for family in Family.allCases {
            families[family] = names.firstIndex(of: family.settings.name).map { UInt32($0) }
        }
        self.families = families
        self.database = try storing { () throws(RocksError) in
            try Database.reading(view, rule: .forgiving, families: names)
        }
    }

    /// Removes the links.
    static func remove(_ view: String, disk: any Disk) throws(FileError) {
        for name in try disk.list(view) { try disk.remove(view + "/" + name) }
        guard unsafe rmdir(view) == 0 else { throw FileError(.remove, view, code: errno) }
    }

    private static func link(
        _ layout: StoreLayout, view: String, without unreadable: Set<Name>, disk: any Disk
    ) throws(FileError) {
        try disk.makeDirectory(view, mode: 0o700)
        guard let path = unsafe realpath(layout.database, nil) else {
            throw FileError(.open, layout.database, code: errno)
        }
        let source = unsafe String(cString: path)
        unsafe free(path)
        let names = try disk.list(layout.database)
        for name in names
        where Name(name) != "CURRENT" && Name(name) != "LOCK" && StoreLayout.manifestNumber(name) == nil {
            if unreadable.contains(Name(name)) { continue }
            if StoreLayout.logNumber(name) != nil, let mended = try mendedLog(layout.database + "/" + name) {
                try unsafe disk.write(mended.span.bytes, to: view + "/" + name, mode: 0o600)
                continue
            }
            guard unsafe symlink(source + "/" + name, view + "/" + name) == 0 else {
                throw FileError(.open, view + "/" + name, code: errno)
            }
        }
        // The one that CURRENT names, or the newest: a manifest is whole before CURRENT names it.
        let manifests = names.filter { StoreLayout.manifestNumber($0) != nil }
        let named = (try? disk.read(layout.database + "/CURRENT", limitBytes: 256))
            .map { String(decoding: $0.dropLast(), as: UTF8.self) }
        let newest = manifests.max { StoreLayout.manifestNumber($0) ?? 0 < StoreLayout.manifestNumber($1) ?? 0 }
        guard let manifest = named.flatMap({ name in manifests.first { $0.hasSameBytes(as: name) } }) ?? newest else {
            throw FileError(.open, layout.database + "/" + (named ?? "MANIFEST"), code: ENOENT)
        }
        let file = try InspectedFile(layout.database + "/" + manifest)
        try file.populate(0..<file.byteCount)
        // Up to its first damage it is the state of an earlier moment.
        let end = file.breakOfManifest()?.recordStart ?? file.byteCount
        let whole = file.copied(end)
        try unsafe disk.write(whole.span.bytes, to: view + "/" + manifest, mode: 0o600)
        let current = Array((manifest + "\n").utf8)
        try unsafe disk.write(current.span.bytes, to: view + "/CURRENT", mode: 0o600)
    }

    /// What a damaged log holds of whole records; nil for one that is not damaged. RocksDB skips damaged pieces, and then takes
    /// the rest of their record for one of its own.
    private static func mendedLog(_ path: String) throws(FileError) -> [UInt8]? {
        let file = try InspectedFile(path)
        try file.populate(0..<file.byteCount)
        guard file.walk({ _, _ in }) != nil else { return nil }
        return file.mended()
    }

    func value(_ key: [UInt8], in family: Family) throws(RocksError) -> [UInt8]? {
        guard let index = families[family] else { return nil }
        return try database.value(key, in: index, fillsCache: false)?.copied()
    }

    /// Visits what can be read of a family, in order.
    ///
    /// - Returns: the stretches that cannot be read: the last key before each and the first behind it.
    func walk(
        _ family: Family, _ visit: (_ key: [UInt8], _ value: [UInt8]) -> Void
    ) -> [(after: [UInt8], before: [UInt8]?)] {
        guard let index = families[family] else { return [] }
        var gaps: [(after: [UInt8], before: [UInt8]?)] = []
        var position: [UInt8] = []
        while true {
            var cursor = Cursor(database, family: index, lower: [], upper: nil, fillsCache: false)
            do throws(RocksError) {
                try cursor.seek(position)
                while cursor.isValid {
                    visit(cursor.key, cursor.value)
                    position = cursor.key + [0]
                    try cursor.next()
                }
                return gaps
            } catch {
                let next = firstReadable(after: position, in: index)
                gaps.append((position, next))
                guard let next else { return gaps }
                position = next
            }
        }
    }

    /// The first key behind a stretch that cannot be read, as nearly as some hundred seeks find it.
    private func firstReadable(after position: [UInt8], in index: UInt32) -> [UInt8]? {
        func key(from start: [UInt8]) -> [UInt8]? {
            var cursor = Cursor(database, family: index, lower: [], upper: nil, fillsCache: false)
            // One that fails is what is being looked for.
            guard (try? cursor.seek(start)) != nil, cursor.isValid else { return nil }
            return cursor.key
        }
        // Coarsely: what follows ever shorter beginnings of the last key.
        var length = max(position.count, 1)
        var found: [UInt8]?
        while length > 0, found == nil {
            let prefix = position.isEmpty ? [0] : Array(position.prefix(length))
            if let start = StoreKey.successor(ofPrefix: prefix) { found = key(from: start) }
            length -= 1
        }
        if found == nil, position.isEmpty {
            for byte in UInt8.min...UInt8.max where found == nil { found = key(from: [byte]) }
        }
        guard var upper = found else { return nil }
        // Finely: by halves between the two, as numbers of so many digits.
        var lower = position
        for _ in 0..<128 {
            let middle = Self.middle(lower, upper)
            if middle == lower { break }
            if let better = key(from: middle), better.lexicographicallyPrecedes(upper) || better == upper {
                upper = middle
                found = better
            } else {
                lower = middle
            }
        }
        return found
    }

    /// A key halfway between two, or the lower when there is none of their length and a little more.
    private static func middle(_ lower: [UInt8], _ upper: [UInt8]) -> [UInt8] {
        let width = max(lower.count, upper.count) + 2
        var sum = [Int](repeating: 0, count: width)
        for index in 0..<width {
            sum[index] =
                (index < lower.count ? Int(lower[index]) : 0) + (index < upper.count ? Int(upper[index]) : 0)
        }
        var carry = 0
        for index in sum.indices.reversed() {
            sum[index] += carry
            carry = sum[index] >> 8
            sum[index] &= 0xFF
        }
        var result: [UInt8] = []
        var rest = carry
        for digit in sum {
            let value = rest << 8 | digit
            result.append(UInt8(value >> 1))
            rest = value & 1
        }
        let isBetween =
            lower.lexicographicallyPrecedes(result) && result.lexicographicallyPrecedes(upper)
        return isBetween ? result : lower
    }
}
