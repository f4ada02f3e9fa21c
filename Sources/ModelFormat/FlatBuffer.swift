/// A FlatBuffers buffer, read table by table; every offset is checked when it is followed.
///
/// Source: the FlatBuffers binary format, "FlatBuffer Internals": offsets of 32 bits lead forward from where they stand; a table
/// begins with a signed offset back to its vtable, which has 16 bits for each field: where the field lies in the table, or 0 for
/// one that has its default.
struct FlatBuffer {
    private static let maxUnknownFieldCount = 32
    private let bytes: ByteCursor
    /// How many bytes of vectors and texts may still be read. Nothing forbids a hostile buffer to name one vector a million times,
    /// which sound ones do not: what is read is never more than the buffer.
    private var budgetBytes: Int

    /// - Parameter bytes: The whole buffer, nothing read yet.
    init(_ bytes: ByteCursor) {
        self.bytes = bytes
        budgetBytes = bytes.count
    }

    struct Table: Hashable {
        fileprivate let position: Int
        fileprivate let vtable: Int
        fileprivate let vtableBytes: Int
    }

    /// Where a vector's elements lie; the whole of it is in the buffer.
    struct Vector {
        fileprivate let start: Int
        let count: Int
    }

    /// What one kind of table may hold: a field is a place in its vtable, and those from ``fieldCount`` on are of a schema that
    /// is not known here.
    struct Kind {
        let name: String
        let fieldCount: Int
    }

    func root(_ kind: Kind) throws(ModelFormatError) -> Table { try table(at: 0, kind) }

    // MARK: Fields. Nil is a field that is not there.

    func table(_ field: Int, of table: Table, _ kind: Kind) throws(ModelFormatError) -> Table? {
        guard let position = try place(of: field, in: table) else { return nil }
        return try self.table(at: position, kind)
    }

    func value<Value: FixedWidthInteger>(
        _ field: Int, of table: Table, as _: Value.Type
    ) throws(ModelFormatError) -> Value? {
        guard let position = try place(of: field, in: table) else { return nil }
        return try load(Value.self, at: position)
    }

    func double(_ field: Int, of table: Table) throws(ModelFormatError) -> Double? {
        try value(field, of: table, as: UInt64.self).map { Double(bitPattern: $0) }
    }

    mutating func text(
        _ field: Int, of table: Table, limits: ModelLimits
    ) throws(ModelFormatError) -> String? {
        guard let vector = try vector(field, of: table, width: 1) else { return nil }
        return try text(of: vector, limits: limits)
    }

    /// A text that a vector of texts names.
    mutating func text(_ index: Int, in vector: Vector, limits: ModelLimits) throws(ModelFormatError) -> String {
        precondition(index < vector.count, "an element of the vector")
        return try text(of: self.vector(at: vector.start + 4 * index, width: 1), limits: limits)
    }

    private func text(of vector: Vector, limits: ModelLimits) throws(ModelFormatError) -> String {
        var cursor = bytes
        try cursor.skip(vector.start)
        return try cursor.text(vector.count, limits: limits)
    }

    /// The bytes of a vector of bytes.
    mutating func bytes(_ field: Int, of table: Table) throws(ModelFormatError) -> ByteCursor {
        let vector = try elements(field, of: table, width: 1)
        var cursor = bytes
        try cursor.skip(vector.start)
        return try cursor.slice(vector.count)
    }

    /// A vector's bounds; empty where the field is not there.
    mutating func elements(_ field: Int, of table: Table, width: Int) throws(ModelFormatError) -> Vector {
        try vector(field, of: table, width: width) ?? Vector(start: 0, count: 0)
    }

    mutating func values<Value: FixedWidthInteger>(
        _ field: Int, of table: Table, as _: Value.Type
    ) throws(ModelFormatError) -> [Value] {
        let width = MemoryLayout<Value>.size
        let vector = try elements(field, of: table, width: width)
        var cursor = bytes
        try cursor.skip(vector.start)
        var values: [Value] = []
        values.reserveCapacity(vector.count)
        for _ in 0..<vector.count { values.append(try cursor.littleEndian(Value.self)) }
        return values
    }

    /// A table that a vector of tables names.
    func table(_ index: Int, in vector: Vector, _ kind: Kind) throws(ModelFormatError) -> Table {
        precondition(index < vector.count, "an element of the vector")
        return try table(at: vector.start + 4 * index, kind)
    }

    // MARK: Offsets

    private func load<Value: FixedWidthInteger>(_: Value.Type, at position: Int) throws(ModelFormatError) -> Value {
        var cursor = bytes
        try cursor.skip(position)
        return try cursor.littleEndian(Value.self)
    }

    /// The table that the offset at `position` leads to; one with a field beyond its kind's is refused by the field's number.
    private func table(at position: Int, _ kind: Kind) throws(ModelFormatError) -> Table {
        let start = position + Int(try load(UInt32.self, at: position))
        let vtable = start - Int(try load(Int32.self, at: start))
        let vtableBytes = Int(try load(UInt16.self, at: vtable))
        guard vtableBytes >= 4, vtableBytes <= bytes.count - vtable else {
            throw ModelFormatError(.malformed("a table's fields"), at: bytes.origin + start)
        }
        let table = Table(position: start, vtable: vtable, vtableBytes: vtableBytes)
        // Many tables may share one vtable: no more than a few of its entries are looked at for each.
        guard vtableBytes <= 4 + 2 * (kind.fieldCount + Self.maxUnknownFieldCount) else {
            throw ModelFormatError(.unsupported("the many fields of \(kind.name)"), at: bytes.origin + start)
        }
        for field in kind.fieldCount..<max(kind.fieldCount, (vtableBytes - 4) / 2)
        where try place(of: field, in: table) != nil {
            throw ModelFormatError(.unsupported("field \(field) of \(kind.name)"), at: bytes.origin + start)
        }
        return table
    }

    private func place(of field: Int, in table: Table) throws(ModelFormatError) -> Int? {
        let entry = 4 + 2 * field
        guard entry + 2 <= table.vtableBytes else { return nil }
        let offset = Int(try load(UInt16.self, at: table.vtable + entry))
        return offset == 0 ? nil : table.position + offset
    }

    private mutating func vector(_ field: Int, of table: Table, width: Int) throws(ModelFormatError) -> Vector? {
        guard let position = try place(of: field, in: table) else { return nil }
        return try vector(at: position, width: width)
    }

    /// The vector that the offset at `position` leads to.
    private mutating func vector(at position: Int, width: Int) throws(ModelFormatError) -> Vector {
        let start = position + Int(try load(UInt32.self, at: position))
        let count = Int(try load(UInt32.self, at: start))
        guard count <= (bytes.count - start - 4) / width else {
            throw ModelFormatError(.truncated, at: bytes.origin + bytes.count)
        }
        budgetBytes -= count * width
        guard budgetBytes >= 0 else {
            throw ModelFormatError(.inconsistent("vectors that overlap"), at: bytes.origin + start)
        }
        return Vector(start: start + 4, count: count)
    }
}
