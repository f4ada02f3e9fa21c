/// How a node's word is cut, from its least significant bit: first child, slot, rank.
struct WordLayout: Hashable, Sendable {
    let childBits: Int
    let slotBits: Int
    let rankBits: Int
    /// 4 or 8.
    let byteCount: Int

    /// The narrowest layout for these greatest values; nil when they do not fit into 64 bits.
    init?(greatestChild: Int, greatestSlot: Int, greatestRank: Int) {
        func bits(_ value: Int) -> Int { max(1, Int.bitWidth - value.leadingZeroBitCount) }
        self.init(
            childBits: bits(greatestChild), slotBits: bits(greatestSlot), rankBits: bits(greatestRank))
    }

    init?(childBits: Int, slotBits: Int, rankBits: Int) {
        let sum = childBits + slotBits + rankBits
        guard childBits > 0, slotBits > 0, rankBits > 0, childBits <= 31, slotBits <= 31, rankBits <= 32, sum <= 64
        else {
            return nil
        }
        self.childBits = childBits
        self.slotBits = slotBits
        self.rankBits = rankBits
        self.byteCount = sum <= 32 ? 4 : 8
    }

    func word(rank: Int, slot: Int, child: Int) -> UInt64 {
        UInt64(rank) << UInt64(childBits + slotBits) | UInt64(slot) << UInt64(childBits) | UInt64(child)
    }

    func rank(_ word: UInt64) -> Int { Int(word >> UInt64(childBits + slotBits)) }
    func slot(_ word: UInt64) -> Int { Int(word >> UInt64(childBits) & (1 << UInt64(slotBits) - 1)) }
    func child(_ word: UInt64) -> Int { Int(word & (1 << UInt64(childBits) - 1)) }
}
