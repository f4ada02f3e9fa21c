/// Writes a protocol-buffers message field by field. What equals its type's default is left out, as proto3 writers do; repeated
/// scalars are packed.
///
/// Source: "Encoding", Protocol Buffers documentation.
package struct ProtobufWriter: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func unsigned(_ field: Int, _ value: UInt64) {
        guard value != 0 else { return }
        tag(field, 0)
        varint(value)
    }

    package mutating func signed(_ field: Int, _ value: Int64) { unsigned(field, UInt64(bitPattern: value)) }

    package mutating func bool(_ field: Int, _ value: Bool) { unsigned(field, value ? 1 : 0) }

    package mutating func double(_ field: Int, _ value: Double) {
        guard value.bitPattern != 0 else { return }
        tag(field, 1)
        append(value.bitPattern)
    }

    package mutating func string(_ field: Int, _ value: String) {
        guard !value.isEmpty else { return }
        data(field, value.utf8)
    }

    /// Written even when it is empty: an element of a repeated field, or a member of a oneof.
    package mutating func data(_ field: Int, _ value: some Collection<UInt8>) {
        tag(field, 2)
        varint(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    package mutating func packed(_ field: Int, _ values: some Sequence<Int64>) {
        var run = ProtobufWriter()
        for value in values { run.varint(UInt64(bitPattern: value)) }
        if !run.bytes.isEmpty { data(field, run.bytes) }
    }

    package mutating func packed(_ field: Int, _ values: some Collection<Float>) {
        guard !values.isEmpty else { return }
        tag(field, 2)
        varint(UInt64(values.count * 4))
        for value in values { append(value.bitPattern) }
    }

    package mutating func packed(_ field: Int, _ values: some Collection<Double>) {
        guard !values.isEmpty else { return }
        tag(field, 2)
        varint(UInt64(values.count * 8))
        for value in values { append(value.bitPattern) }
    }

    package mutating func message(_ field: Int, _ body: (inout ProtobufWriter) -> Void) {
        var inner = ProtobufWriter()
        body(&inner)
        data(field, inner.bytes)
    }

    private mutating func tag(_ field: Int, _ wireType: UInt64) {
        precondition(field > 0 && field < 1 << 29, "a field number of protocol buffers")
        varint(UInt64(field) << 3 | wireType)
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func append<Value: FixedWidthInteger>(_ value: Value) {
        for shift in stride(from: 0, to: Value.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}
