/// The tables of an image that turn texts into numbers, every offset of them checked. Looking up allocates nothing and ends after
/// at most ``TextHash/maxProbes`` slots, whatever the text.
@safe struct TextTables {
    // Invariants, established by init: all buffers lie in the image; each table's entries and slots lie in theirs, slots are a
    // power of two in number, and each slot is 0 or the number of one of the table's entries, plus 1; each entry's text lies in
    // texts; the names' numbers are features, and the other tables' features rise strictly.
    private let tables: UnsafeBufferPointer<Table>
    private let entries: UnsafeBufferPointer<Entry>
    private let slots: UnsafeBufferPointer<UInt32>
    private let texts: UnsafeRawBufferPointer
    private let tableCount: Int
    private let hasNames: Bool

    private struct Table {
        let feature: UInt32
        let firstEntry: UInt32
        let entryCount: UInt32
        let firstSlot: UInt32
        let slotCount: UInt32
        let zero: UInt32
        let unknown: Double
    }

    private struct Entry {
        let textOffset: UInt32
        let textByteCount: UInt32
        let number: Double
    }

    /// - Parameter section: Aligned to eight; must live as long as the tables. Empty for no tables.
    /// - Throws: ``ModelImageError/textTable(_:)`` with the table at fault.
    init(validating section: UnsafeRawBufferPointer, featureCount: Int) throws(ModelImageError) {
        guard section.count > 0 else {
            unsafe tables = UnsafeBufferPointer(start: nil, count: 0)
            unsafe entries = UnsafeBufferPointer(start: nil, count: 0)
            unsafe slots = UnsafeBufferPointer(start: nil, count: 0)
            unsafe texts = UnsafeRawBufferPointer(start: nil, count: 0)
            tableCount = 0
            hasNames = false
            return
        }
        guard section.count >= 16 else { throw .textTable(-1) }
        func count(_ index: Int) -> Int {
            Int(UInt32(littleEndian: unsafe section.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)))
        }
        // Counts are below 2^32 each: the sum does not overflow.
        let entriesStart = 16 + count(0) * 32
        let slotsStart = entriesStart + count(1) * 16
        let textsStart = slotsStart + count(2) * 4
        guard textsStart + count(3) == section.count else { throw .textTable(-1) }
        unsafe tables = UnsafeRawBufferPointer(rebasing: section[16..<entriesStart]).assumingMemoryBound(to: Table.self)
        unsafe entries = UnsafeRawBufferPointer(rebasing: section[entriesStart..<slotsStart])
            .assumingMemoryBound(to: Entry.self)
        unsafe slots = UnsafeRawBufferPointer(rebasing: section[slotsStart..<textsStart])
            .assumingMemoryBound(to: UInt32.self)
        unsafe texts = UnsafeRawBufferPointer(rebasing: section[textsStart...])
        tableCount = count(0)
        hasNames = unsafe count(0) > 0 && tables[0].feature == TextTableCompiler.namesMark
        try check(featureCount: featureCount)
    }

    private func check(featureCount: Int) throws(ModelImageError) {
        // Texts, entries and slots lie back to back: none belongs to two, so that the time is linear in the section.
        let (entryCount, allSlotCount, textBytes) = unsafe (entries.count, slots.count, texts.count)
        var nextText = 0
        for index in 0..<entryCount {
            let entry = unsafe entries[index]
            guard Int(entry.textOffset) == nextText, Int(entry.textByteCount) <= textBytes - nextText else {
                throw .textTable(-1)
            }
            nextText += Int(entry.textByteCount)
        }
        var (nextEntry, nextSlot, nextFeature) = (0, 0, 0)
        for number in 0..<tableCount {
            let table = unsafe tables[number]
            let isNames = hasNames && number == 0
            let slotCount = Int(table.slotCount)
            guard Int(table.firstEntry) == nextEntry, Int(table.entryCount) <= entryCount - nextEntry,
                Int(table.firstSlot) == nextSlot, slotCount <= allSlotCount - nextSlot, slotCount > 0,
                slotCount & (slotCount - 1) == 0,
                isNames || Int(table.feature) >= nextFeature && Int(table.feature) < featureCount
            else { throw .textTable(number) }
            nextEntry += Int(table.entryCount)
            nextSlot += slotCount
            if !isNames { nextFeature = Int(table.feature) + 1 }
            for slot in 0..<slotCount {
                guard unsafe slots[Int(table.firstSlot) + slot] <= table.entryCount else { throw .textTable(number) }
            }
            // What is found by an entry's own text is that entry: so every text is there once and within reach.
            for position in Int(table.firstEntry)..<Int(table.firstEntry) + Int(table.entryCount) {
                let entry = unsafe entries[position]
                let value = entry.number
                guard unsafe find(text(of: entry), in: table) == position,
                    !isNames || value >= 0 && value < Double(featureCount) && value == value.rounded(.down)
                else { throw .textTable(number) }
            }
        }
        guard nextEntry == entryCount, nextSlot == allSlotCount, nextText == textBytes else { throw .textTable(-1) }
    }

    // MARK: Looking up

    /// The feature of this name, if it is the only one.
    func featureIndex(named name: UnsafeRawBufferPointer) -> Int? {
        guard hasNames, let entry = unsafe find(name, in: tables[0]) else { return nil }
        return unsafe Int(entries[entry].number)
    }

    func isEncoded(_ feature: Int) -> Bool { table(of: feature) != nil }
    var hasEncoders: Bool { tableCount > (hasNames ? 1 : 0) }

    /// The number of a text, that of unknown ones included; nil for a feature without an encoder.
    func number(of text: UnsafeRawBufferPointer, feature: Int) -> Double? {
        guard let table = table(of: feature) else { return nil }
        guard let entry = unsafe find(text, in: table) else { return table.unknown }
        return unsafe entries[entry].number
    }

    private func table(of feature: Int) -> Table? {
        var (low, high) = (hasNames ? 1 : 0, tableCount)
        while low < high {
            let middle = (low + high) / 2
            let table = unsafe tables[middle]
            if Int(table.feature) == feature { return table }
            if Int(table.feature) < feature { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    /// Which of all entries has this text in this table.
    private func find(_ text: UnsafeRawBufferPointer, in table: Table) -> Int? {
        let mask = Int(table.slotCount) - 1
        var position = Int(unsafe TextHash.hash(text)) & mask
        for _ in 0..<min(TextHash.maxProbes, mask + 1) {
            let slot = unsafe slots[Int(table.firstSlot) + position]
            guard slot != 0 else { return nil }
            let entry = Int(table.firstEntry) + Int(slot) - 1
            if unsafe Self.isSame(self.text(of: entries[entry]), text) { return entry }
            position = (position + 1) & mask
        }
        return nil
    }

    private func text(of entry: Entry) -> UnsafeRawBufferPointer {
        let start = Int(entry.textOffset)
        return unsafe UnsafeRawBufferPointer(rebasing: texts[start..<start + Int(entry.textByteCount)])
    }

    /// Eight bytes at once: a search may compare a long text with that of each of its slots.
    static func isSame(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard left.count == right.count else { return false }
        var index = 0
        while index + 8 <= left.count {
            let (here, there) = unsafe (
                left.loadUnaligned(fromByteOffset: index, as: UInt64.self),
                right.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            )
            if here != there { return false }
            index += 8
        }
        while index < left.count {
            if unsafe left[index] != right[index] { return false }
            index += 1
        }
        return true
    }
}
