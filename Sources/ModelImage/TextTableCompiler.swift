import ModelTypes
import Names

/// Lays out the tables that find a feature by its name, and a number by a category's text: open addressing, linear probing,
/// at most half full.
struct TextTableCompiler {
    /// The `feature` of the table of names.
    static let namesMark = UInt32.max

    private struct Table {
        let feature: UInt32
        let entries: Range<Int>
        let slots: Range<Int>
        let unknown: Double
    }
    private struct Entry {
        let textOffset: Int
        let textByteCount: Int
        let number: Double
    }

    private var tables: [Table] = []
    private var entries: [Entry] = []
    private var slots: [UInt32] = []
    private var texts: [UInt8] = []

    /// - Parameters:
    ///   - names: One for each feature, or none. A name that several features have finds none of them.
    ///   - encoders: By rising feature, as ``FeatureEncoders`` has them.
    init(names: [String], encoders: [FeatureEncoders.Encoder]) throws(ImageCompilerError) {
        if !names.isEmpty {
            var counts: [[UInt8]: Int] = [:]
            for name in names { counts[Array(name.utf8), default: 0] += 1 }
            var unique: [FeatureEncoders.Category] = []
            for (feature, name) in names.enumerated() where counts[Array(name.utf8)] == 1 {
                unique.append(FeatureEncoders.Category(text: name, number: Double(feature)))
            }
            try append(unique, feature: Self.namesMark, unknown: .nan)
        }
        for encoder in encoders {
            try append(encoder.categories, feature: UInt32(encoder.feature), unknown: encoder.unknown)
        }
    }

    var isEmpty: Bool { tables.isEmpty }

    private mutating func append(
        _ categories: [FeatureEncoders.Category], feature: UInt32, unknown: Double
    ) throws(ImageCompilerError) {
        let firstEntry = entries.count
        var hashes: [UInt32] = []
        hashes.reserveCapacity(categories.count)
        for category in categories {
            let bytes = Array(category.text.utf8)
            entries.append(Entry(textOffset: texts.count, textByteCount: bytes.count, number: category.number))
            hashes.append(unsafe bytes.withUnsafeBytes { unsafe TextHash.hash($0) })
            texts += bytes
        }
        guard texts.count <= Int(UInt32.max) else { throw .tooLarge("bytes of categories") }
        var count = 2
        while count < 2 * categories.count { count *= 2 }
        // Runs beyond the limit are all but impossible by chance; a table four times as large ends those that are not.
        for _ in 0..<3 {
            if let placed = Self.placed(hashes, slotCount: count) {
                tables.append(
                    Table(
                        feature: feature, entries: firstEntry..<entries.count,
                        slots: slots.count..<slots.count + count, unknown: unknown))
                slots += placed
                guard slots.count <= Int(Int32.max) else { throw .tooLarge("categories") }
                return
            }
            count *= 2
        }
        throw .textsCollide(feature: feature == Self.namesMark ? -1 : Int(feature))
    }

    /// The slots with 1 + the number of an entry, 0 where free; nil when an entry would be too far from where its search begins.
    private static func placed(_ hashes: [UInt32], slotCount: Int) -> [UInt32]? {
        var slots = [UInt32](repeating: 0, count: slotCount)
        for (number, hash) in hashes.enumerated() {
            var position = Int(hash) & (slotCount - 1)
            var probeCount = 1
            while slots[position] != 0 {
                position = (position + 1) & (slotCount - 1)
                probeCount += 1
                guard probeCount <= TextHash.maxProbes else { return nil }
            }
            slots[position] = UInt32(number + 1)
        }
        return slots
    }

    func write(to writer: inout ImageWriter) {
        for count in [tables.count, entries.count, slots.count, texts.count] { writer.append(UInt32(count)) }
        for table in tables {
            writer.append(table.feature)
            writer.append(UInt32(table.entries.lowerBound))
            writer.append(UInt32(table.entries.count))
            writer.append(UInt32(table.slots.lowerBound))
            writer.append(UInt32(table.slots.count))
            writer.append(0 as UInt32)
            writer.append(table.unknown.bitPattern)
        }
        for entry in entries {
            writer.append(UInt32(entry.textOffset))
            writer.append(UInt32(entry.textByteCount))
            writer.append(entry.number.bitPattern)
        }
        for slot in slots { writer.append(slot) }
        writer.append(bytes: texts)
    }
}
