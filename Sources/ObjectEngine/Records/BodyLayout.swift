/// Where the bytes of an object are.
package enum BodyLayout: Hashable, Sendable {
    /// There are none.
    case empty
    /// All of them under one key of the `inline` family.
    case inline(id: UInt64)
    /// In order, in the families of streamed bytes.
    case extents([Extent])

    var extents: [Extent] {
        if case .extents(let extents) = self { extents } else { [] }
    }
}

/// A run of chunks under one blob id. Every chunk but the last has `chunkBytes` bytes.
package struct Extent: Hashable, Sendable {
    package enum Kind: UInt8, Hashable, Sendable {
        case blob = 1
        case part = 2

        var family: Family { self == .blob ? .blob : .part }
    }

    package let kind: Kind
    package let id: BlobID
    package let sizeBytes: UInt64
    package let chunkBytes: UInt32

    /// How many chunks there are.
    var chunkCount: UInt32 {
        // Invariant: checked where an extent is read or made, so that it fits.
        UInt32((sizeBytes + UInt64(chunkBytes) - 1) / UInt64(chunkBytes))
    }

    /// The length of a chunk.
    func chunkSize(_ index: UInt32) -> Int {
        Int(min(UInt64(chunkBytes), sizeBytes - UInt64(index) * UInt64(chunkBytes)))
    }
}

/// One part of an object that was uploaded in parts.
package struct PartSize: Hashable, Sendable {
    package let number: UInt16
    package let sizeBytes: UInt64
}

extension ByteWriter {
    mutating func extents(_ extents: [Extent]) {
        count(extents.count)
        for extent in extents {
            byte(extent.kind.rawValue)
            varint(extent.id.value)
            varint(extent.sizeBytes)
            varint(UInt64(extent.chunkBytes))
        }
    }

    mutating func layout(_ layout: BodyLayout) {
        switch layout {
        case .empty: byte(0)
        case .inline(let id):
            byte(1)
            number(id)
        case .extents(let list):
            byte(2)
            extents(list)
        }
    }
}

extension ByteReader {
    mutating func extents() throws(RecordError) -> [Extent] {
        var extents: [Extent] = []
        for _ in 0..<(try count()) {
            guard let kind = Extent.Kind(rawValue: try byte()) else { throw .invalid(field: "extent.kind") }
            let id = BlobID(try varint())
            let size = try varint()
            let chunk = try varint()
            guard chunk > 0, chunk <= 16 << 20, size > 0, size <= 1 << 50, size / chunk < UInt64(UInt32.max) else {
                throw .invalid(field: "extent.size")
            }
            extents.append(Extent(kind: kind, id: id, sizeBytes: size, chunkBytes: UInt32(chunk)))
        }
        return extents
    }

    /// - Parameter sizeBytes: what the record says the body has; the layout must add up to it.
    mutating func layout(sizeBytes: UInt64) throws(RecordError) -> BodyLayout {
        switch try byte() {
        case 0:
            guard sizeBytes == 0 else { throw .invalid(field: "body") }
            return .empty
        case 1:
            return .inline(id: try number())
        case 2:
            let list = try extents()
            guard total(list.map(\.sizeBytes)) == sizeBytes else { throw .invalid(field: "body") }
            return .extents(list)
        default:
            throw .invalid(field: "body")
        }
    }
}

/// The sum, or nil when it leaves 64 bits.
func total(_ sizes: [UInt64]) -> UInt64? {
    var sum: UInt64 = 0
    for size in sizes {
        let (next, overflows) = sum.addingReportingOverflow(size)
        if overflows { return nil }
        sum = next
    }
    return sum
}
