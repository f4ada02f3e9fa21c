/// Which feature a name stands for: an open-addressing table over the bytes of all names, built once when a model is loaded.
///
/// A look-up allocates nothing. Rows tend to name their features in one order, so the caller passes the feature that it
/// expects next, and a match there costs one comparison and no hash.
package struct FeatureNames: Sendable {
    /// All names, one behind the other.
    private let bytes: [UInt8]
    /// Where each name begins, and where the last ends.
    private let starts: [Int]
    /// The feature plus one, at its name's hash or behind it; 0 is empty. A power of two, at most half full.
    private let slots: [UInt32]

    /// Nil when there are no names, or when two features share one: a name would then not say which.
    package init?(_ names: [String]) {
        guard !names.isEmpty, names.count < 1 << 30 else { return nil }
        var bytes: [UInt8] = []
        var starts = [0]
        for name in names {
            bytes.append(contentsOf: name.utf8)
            starts.append(bytes.count)
        }
        var slotCount = 8
        while slotCount < names.count * 2 { slotCount *= 2 }
        var slots = [UInt32](repeating: 0, count: slotCount)
        let isUnique = unsafe bytes.withUnsafeBufferPointer { all in
            for feature in names.indices {
                let name = unsafe UnsafeBufferPointer(rebasing: all[starts[feature]..<starts[feature + 1]])
                var slot = unsafe Self.hash(name) & (slotCount - 1)
                while slots[slot] != 0 {
                    let other = Int(slots[slot]) - 1
                    if unsafe Self.isEqual(name, all, starts[other]..<starts[other + 1]) { return false }
                    slot = (slot + 1) & (slotCount - 1)
                }
                slots[slot] = UInt32(feature + 1)
            }
            return true
        }
        guard isUnique else { return nil }
        self.bytes = bytes
        self.starts = starts
        self.slots = slots
    }

    package var count: Int { starts.count - 1 }

    /// Of all names together.
    var byteCount: Int { bytes.count }

    package func name(of feature: Int) -> String {
        String(decoding: bytes[starts[feature]..<starts[feature + 1]], as: UTF8.self)
    }

    /// - Parameter guess: the feature that is likely meant; any number.
    func feature(named name: UnsafeBufferPointer<UInt8>, guess: Int) -> Int? {
        unsafe bytes.withUnsafeBufferPointer { all in
            if guess >= 0, guess < count, unsafe Self.isEqual(name, all, starts[guess]..<starts[guess + 1]) {
                return guess
            }
            let mask = slots.count - 1
            var slot = unsafe Self.hash(name) & mask
            // Ends, for half of the slots are empty.
            while slots[slot] != 0 {
                let feature = Int(slots[slot]) - 1
                if unsafe Self.isEqual(name, all, starts[feature]..<starts[feature + 1]) { return feature }
                slot = (slot + 1) & mask
            }
            return nil
        }
    }

    /// FNV-1a over the bytes, then mixed so that the low bits depend on all of them.
    private static func hash(_ name: UnsafeBufferPointer<UInt8>) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in 0..<name.count { hash = unsafe (hash ^ UInt64(name[index])) &* 0x0000_0100_0000_01B3 }
        hash ^= hash >> 32
        return Int(truncatingIfNeeded: hash & 0x7FFF_FFFF)
    }

    private static func isEqual(
        _ name: UnsafeBufferPointer<UInt8>, _ all: UnsafeBufferPointer<UInt8>, _ range: Range<Int>
    ) -> Bool {
        guard name.count == range.count else { return false }
        for index in 0..<name.count where unsafe name[index] != all[range.lowerBound + index] { return false }
        return true
    }
}
