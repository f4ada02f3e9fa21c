import ModelTypes

/// What an image computes from a row before it is asked: projections, their parts and their hash tables, every offset checked.
///
/// `Docs/Formats/image.md` has the bytes. A search ends after at most ``maxProbes`` slots, whatever the row.
// Sendable: the bytes are constant and the tables only read them.
@safe package struct ComputedTables: @unchecked Sendable {
    // Invariants, established by init: the columns of texts rise and are features; each projection's parts, slots and values lie in
    // theirs, with slots a power of two in number; each slot is free or names a row of the projection's values, and its key finds
    // it; each part is of a known kind and asks a feature, one of texts where it asks for a category.
    package let projections: UnsafeBufferPointer<Projection>
    package let parts: UnsafeBufferPointer<Part>
    package let slots: UnsafeBufferPointer<Slot>
    package let values: UnsafeBufferPointer<Float>
    /// Numbers computed for a row.
    package let columnCount: Int
    /// Neither texts nor anything to compute: a row is asked as it is.
    package let isEmpty: Bool
    package let textColumns: UnsafeBufferPointer<UInt32>

    package static var maxProbes: Int { TextHash.maxProbes }

    package struct Projection {
        package let firstPart: UInt32
        package let partCount: UInt32
        package let firstSlot: UInt32
        package let slotCount: UInt32
        package let firstValue: UInt32
        package let keyCount: UInt32
        package let columnCount: UInt32
        package let zero: UInt32
    }

    package struct Part {
        /// A ``PartKind``.
        package let kind: UInt32
        package let column: UInt32
        /// A threshold's bits or a category.
        package let detail: UInt64
    }

    /// A key in two halves, and the row of its values; row 0 is for keys that are not there, and marks a free slot.
    package struct Slot {
        package let low: UInt32
        package let high: UInt32
        package let row: UInt32

        package var key: UInt64 { UInt64(high) << 32 | UInt64(low) }
    }

    package enum PartKind: UInt32 {
        case category = 1
        case isAbove = 2
        case isAboveOrNaN = 3
        case isCategory = 4
    }

    /// Where a key's search begins, before the mask.
    @inline(__always)
    package static func start(of key: UInt64) -> Int { Int(UInt32(truncatingIfNeeded: key ^ key >> 32)) }

    /// Of a section that lies in the image.
    static func columnCount(_ section: UnsafeRawBufferPointer) -> Int {
        section.count < headerBytes ? 0 : Int(unsafe word(2, of: section))
    }

    private static let headerBytes = 16

    private static func word(_ index: Int, of section: UnsafeRawBufferPointer) -> UInt32 {
        UInt32(littleEndian: unsafe section.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
    }

    /// - Parameters: sections, aligned to eight, which must live as long as the tables; all empty for nothing to compute.
    /// - Throws: ``ModelImageError/projection(_:)`` with the projection at fault.
    init(
        validating section: UnsafeRawBufferPointer, parts: UnsafeRawBufferPointer, tables: UnsafeRawBufferPointer,
        featureCount: Int
    ) throws(ModelImageError) {
        guard section.count > 0 else {
            guard parts.count == 0, tables.count == 0 else { throw .projection(-1) }
            unsafe projections = UnsafeBufferPointer(start: nil, count: 0)
            unsafe self.parts = UnsafeBufferPointer(start: nil, count: 0)
            unsafe slots = UnsafeBufferPointer(start: nil, count: 0)
            unsafe values = UnsafeBufferPointer(start: nil, count: 0)
            unsafe textColumns = UnsafeBufferPointer(start: nil, count: 0)
            columnCount = 0
            isEmpty = true
            return
        }
        guard section.count >= Self.headerBytes else { throw .projection(-1) }
        func count(_ index: Int) -> Int { Int(unsafe Self.word(index, of: section)) }
        // Counts are below 2^32 each: the sums do not overflow.
        let columnsEnd = Self.headerBytes + 4 * count(0)
        let slotsEnd = 12 * count(3)
        guard columnsEnd + 32 * count(1) == section.count, parts.count % 16 == 0, slotsEnd <= tables.count,
            tables.count % 4 == 0
        else { throw .projection(-1) }
        unsafe textColumns = UnsafeRawBufferPointer(rebasing: section[Self.headerBytes..<columnsEnd])
            .assumingMemoryBound(to: UInt32.self)
        unsafe projections = UnsafeRawBufferPointer(rebasing: section[columnsEnd...])
            .assumingMemoryBound(to: Projection.self)
        unsafe self.parts = parts.assumingMemoryBound(to: Part.self)
        unsafe slots = UnsafeRawBufferPointer(rebasing: tables[..<slotsEnd]).assumingMemoryBound(to: Slot.self)
        unsafe values = UnsafeRawBufferPointer(rebasing: tables[slotsEnd...]).assumingMemoryBound(to: Float.self)
        columnCount = count(2)
        isEmpty = false
        try check(featureCount: featureCount)
    }

    private func check(featureCount: Int) throws(ModelImageError) {
        let texts = unsafe textColumns.map { Int($0) }
        for (index, column) in texts.enumerated() {
            guard column < featureCount, index == 0 || texts[index - 1] < column else { throw .projection(-1) }
        }
        let (partCount, allSlotCount, valueCount) = unsafe (parts.count, slots.count, values.count)
        // Everything lies back to back and belongs to one projection, so that the time is linear in the sections.
        var (nextPart, nextSlot, nextValue, nextColumn) = (0, 0, 0, 0)
        for number in 0..<(unsafe projections.count) {
            let projection = unsafe projections[number]
            let slotCount = Int(projection.slotCount)
            let columns = Int(projection.columnCount)
            let (numbers, overflows) = (Int(projection.keyCount) + 1).multipliedReportingOverflow(by: columns)
            guard Int(projection.firstPart) == nextPart, Int(projection.partCount) <= partCount - nextPart,
                projection.partCount > 0, Int(projection.firstSlot) == nextSlot, slotCount <= allSlotCount - nextSlot,
                slotCount > 0, slotCount & (slotCount - 1) == 0, Int(projection.firstValue) == nextValue,
                columns > 0, !overflows, numbers <= valueCount - nextValue, projection.zero == 0
            else { throw .projection(number) }
            for index in nextPart..<nextPart + Int(projection.partCount) {
                guard unsafe isSound(parts[index], featureCount) else { throw .projection(number) }
            }
            try checkSlots(of: projection, number)
            nextPart += Int(projection.partCount)
            nextSlot += slotCount
            nextValue += numbers
            nextColumn += columns
        }
        guard nextPart == partCount, nextSlot == allSlotCount, nextValue == valueCount, nextColumn == columnCount else {
            throw .projection(-1)
        }
    }

    private func isSound(_ part: Part, _ featureCount: Int) -> Bool {
        guard let kind = PartKind(rawValue: part.kind), Int(part.column) < featureCount else { return false }
        return switch kind {
        case .category: isTextColumn(Int(part.column)) && part.detail == 0
        case .isAbove, .isAboveOrNaN: !Double(bitPattern: part.detail).isNaN
        case .isCategory: isTextColumn(Int(part.column)) && part.detail <= UInt64(UInt32.max)
        }
    }

    /// Each row of values but the first has one slot, which its key finds.
    private func checkSlots(of projection: Projection, _ number: Int) throws(ModelImageError) {
        var taken = 0
        for position in 0..<Int(projection.slotCount) {
            let slot = unsafe slots[Int(projection.firstSlot) + position]
            guard slot.row > 0 else {
                guard slot.key == 0 else { throw .projection(number) }
                continue
            }
            taken += 1
            guard slot.row <= projection.keyCount, row(of: slot.key, in: projection) == Int(slot.row) else {
                throw .projection(number)
            }
        }
        // As many as there are rows; that no row has two is not asked, for it would do no harm.
        guard taken == Int(projection.keyCount) else { throw .projection(number) }
    }

    /// The row of values for a key; 0 for one that is not there.
    @inline(__always)
    package func row(of key: UInt64, in projection: Projection) -> Int {
        let mask = Int(projection.slotCount) - 1
        var position = Self.start(of: key) & mask
        for _ in 0..<min(Self.maxProbes, mask + 1) {
            let slot = unsafe slots[Int(projection.firstSlot) + position]
            if slot.row == 0 { return 0 }
            if slot.key == key { return Int(slot.row) }
            position = (position + 1) & mask
        }
        return 0
    }

    /// How many slots a search looks at, at most: the longest run of taken ones and the free one behind it.
    func longestSearch(in projection: Projection) -> Int {
        let slotCount = Int(projection.slotCount)
        var (longest, run) = (0, 0)
        // Twice around, for a run that goes on behind the last slot; and not further than a search does.
        for position in 0..<2 * slotCount {
            let slot = unsafe slots[Int(projection.firstSlot) + (position & (slotCount - 1))]
            run = slot.row == 0 ? 0 : run + 1
            longest = max(longest, run)
        }
        return min(longest + 1, Self.maxProbes)
    }

    package var projectionCount: Int { unsafe projections.count }

    // MARK: Columns of texts

    package var hasTextColumns: Bool { unsafe textColumns.count > 0 }

    package func isTextColumn(_ feature: Int) -> Bool {
        var (low, high) = (0, unsafe textColumns.count)
        while low < high {
            let middle = (low + high) / 2
            let column = unsafe Int(textColumns[middle])
            if column == feature { return true }
            if column < feature { low = middle + 1 } else { high = middle }
        }
        return false
    }
}
