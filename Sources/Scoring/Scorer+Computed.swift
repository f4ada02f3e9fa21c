import ModelImage
import ModelTypes

// What a forest asks beside the row's own features, looked up once for each row before it is ranked. No step depends on the
// trees; a projection costs a multiplication or two for each part, and the cache lines of one look-up.

/// Fills the computed columns of a row.
///
/// - Parameters:
///   - row: [featureCount]; its columns of texts become the hashes themselves.
///   - columns: Receives the numbers, projection by projection.
func compute(
    _ row: UnsafeMutablePointer<Double>, _ tables: borrowing ComputedTables, _ columns: UnsafeMutablePointer<Double>
) {
    // Invariant: whatever a projection names lies where it says, checked by ComputedTables.init.
    for index in 0..<(unsafe tables.textColumns.count) {
        let column = unsafe row + Int(tables.textColumns[index])
        unsafe column.pointee = Double(CategoryHash.category(ofRow: column.pointee))
    }
    var next = 0
    for index in 0..<tables.projectionCount {
        let projection = unsafe tables.projections[index]
        var hash: UInt64 = 0
        for number in Int(projection.firstPart)..<Int(projection.firstPart + projection.partCount) {
            let part = unsafe tables.parts[number]
            let value = unsafe row[Int(part.column)]
            hash = CategoryHash.combined(hash, partHash(value, part))
        }
        let count = Int(projection.columnCount)
        let first = Int(projection.firstValue) + tables.row(of: hash, in: projection) * count
        for column in 0..<count { unsafe columns[next + column] = Double(tables.values[first + column]) }
        next += count
    }
}

/// - Parameter value: Of a column of texts, the hash: a whole number of 32 bits.
@inline(__always)
private func partHash(_ value: Double, _ part: ComputedTables.Part) -> UInt64 {
    // The numbers of ComputedTables.PartKind: its cases are known to the module that validates.
    switch part.kind {
    case 1: CategoryHash.part(UInt32(value))
    case 2: value > Double(bitPattern: part.detail) ? 1 : 0
    // A number that is not at most the threshold is above it, or none.
    case 3: value <= Double(bitPattern: part.detail) ? 0 : 1
    default: UInt64(UInt32(value)) == part.detail ? 1 : 0
    }
}
