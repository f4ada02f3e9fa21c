// The portable kernels: from prepared slots to the leaf of each tree.
//
// A word is a child, a slot and a rank. The walk goes to child + 1 when the row's slot is not below the rank, else to child;
// leaves lead to themselves, so that trees of different depth walk in step without a branch. Eight trees are walked at
// once: each step is a chain of two loads, a comparison and an addition (some 14 cycles), and eight chains overlap.

import ModelImage

/// Where words are and how they are cut.
@safe struct WordCut<Word: FixedWidthInteger & UnsignedInteger> {
    let words: UnsafePointer<Word>
    private let childBits: Word
    private let rankShift: Word
    private let childMask: Word
    private let slotMask: Word

    init(_ image: borrowing ModelImageView) {
        // Invariant: a forest with trees has words.
        unsafe words = image.words.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: Word.self)
        childBits = Word(image.childBits)
        rankShift = Word(image.childBits + image.slotBits)
        childMask = (1 << childBits) - 1
        slotMask = (1 << Word(image.slotBits)) - 1
    }

    /// One step of a walk. Invariant: `index` is a word of the tree that starts at `first`.
    @inline(__always)
    func next(_ index: UInt32, in first: Int, _ slots: UnsafePointer<UInt32>) -> UInt32 {
        let word = unsafe words[first &+ Int(index)]
        let slot = unsafe slots[Int(truncatingIfNeeded: word &>> childBits & slotMask)]
        let goesRight: UInt32 = slot >= UInt32(truncatingIfNeeded: word &>> rankShift) ? 1 : 0
        return UInt32(truncatingIfNeeded: word & childMask) &+ goesRight
    }

    @inline(__always)
    func rank(_ word: Word) -> Int { Int(truncatingIfNeeded: word &>> rankShift) }
    @inline(__always)
    func slot(_ word: Word) -> Int { Int(truncatingIfNeeded: word &>> childBits & slotMask) }
    @inline(__always)
    func child(_ word: Word) -> UInt32 { UInt32(truncatingIfNeeded: word & childMask) }
}

/// Trees that follow each other.
@safe struct TreeRange {
    let count: Int
    let firstWords: UnsafePointer<UInt32>
    let margins: UnsafePointer<UInt32>
    let depths: UnsafePointer<UInt32>

    /// - Precondition: `range` lies in the image's trees and is not empty.
    init(_ image: borrowing ModelImageView, _ range: Range<Int>) {
        count = range.count
        unsafe firstWords = image.trees.firstWords.baseAddress.unsafelyUnwrapped + range.lowerBound
        unsafe margins = image.trees.margins.baseAddress.unsafelyUnwrapped + range.lowerBound
        unsafe depths = image.trees.depths.baseAddress.unsafelyUnwrapped + range.lowerBound
    }
}

/// Walks trees of numerical splits, eight at once.
///
/// - Parameters:
///   - trees: The trees to walk.
///   - slots: The prepared row.
///   - leaves: Receives the word of each tree's leaf, counted from the first word of the image.
func walk<Word: FixedWidthInteger & UnsignedInteger>(
    _ cut: WordCut<Word>, _ trees: TreeRange, _ slots: UnsafePointer<UInt32>,
    _ leaves: UnsafeMutablePointer<UInt32>
) {
    var index = 0
    while index &+ 8 <= trees.count {
        let entry = unsafe trees.firstWords + index
        let first0 = unsafe Int(entry[0]), first1 = unsafe Int(entry[1])
        let first2 = unsafe Int(entry[2]), first3 = unsafe Int(entry[3])
        let first4 = unsafe Int(entry[4]), first5 = unsafe Int(entry[5])
        let first6 = unsafe Int(entry[6]), first7 = unsafe Int(entry[7])
        var (at0, at1, at2, at3): (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
        var (at4, at5, at6, at7): (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
        var depth: UInt32 = 0
        for tree in 0..<8 { depth = unsafe max(depth, trees.depths[index &+ tree]) }
        var step: UInt32 = 0
        while step < depth {
            let before = (at0, at1, at2, at3)
            let after = (at4, at5, at6, at7)
            unsafe at0 = cut.next(at0, in: first0, slots)
            unsafe at1 = cut.next(at1, in: first1, slots)
            unsafe at2 = cut.next(at2, in: first2, slots)
            unsafe at3 = cut.next(at3, in: first3, slots)
            unsafe at4 = cut.next(at4, in: first4, slots)
            unsafe at5 = cut.next(at5, in: first5, slots)
            unsafe at6 = cut.next(at6, in: first6, slots)
            unsafe at7 = cut.next(at7, in: first7, slots)
            step &+= 1
            // Deep, lopsided trees are mostly done long before their depth.
            if depth > 8, before == (at0, at1, at2, at3), after == (at4, at5, at6, at7) { break }
        }
        unsafe (leaves[index], leaves[index &+ 1]) = (UInt32(first0) &+ at0, UInt32(first1) &+ at1)
        unsafe (leaves[index &+ 2], leaves[index &+ 3]) = (UInt32(first2) &+ at2, UInt32(first3) &+ at3)
        unsafe (leaves[index &+ 4], leaves[index &+ 5]) = (UInt32(first4) &+ at4, UInt32(first5) &+ at5)
        unsafe (leaves[index &+ 6], leaves[index &+ 7]) = (UInt32(first6) &+ at6, UInt32(first7) &+ at7)
        index &+= 8
    }
    while index < trees.count {
        let first = unsafe trees.firstWords[index]
        var at: UInt32 = 0
        for _ in 0..<(unsafe trees.depths[index]) { at = unsafe cut.next(at, in: Int(first), slots) }
        unsafe leaves[index] = first &+ at
        index &+= 1
    }
}

/// Walks trees with categorical splits, one after the other.
func walkCategorical<Word: FixedWidthInteger & UnsignedInteger>(
    _ cut: WordCut<Word>, _ image: borrowing ModelImageView, _ trees: TreeRange,
    _ slots: UnsafePointer<UInt32>, _ leaves: UnsafeMutablePointer<UInt32>
) {
    let firstCategorical = image.numericalSlotCount
    for index in 0..<trees.count {
        let first = unsafe trees.firstWords[index]
        var at: UInt32 = 0
        var word = unsafe cut.words[Int(first)]
        while cut.rank(word) != 0 {
            let slot = cut.slot(word)
            let value = unsafe slots[slot]
            let goesRight =
                slot < firstCategorical
                ? Int(value) >= cut.rank(word) : isMember(value, of: cut.rank(word) - 1, image)
            at = cut.child(word) &+ (goesRight ? 1 : 0)
            word = unsafe cut.words[Int(first &+ at)]
        }
        unsafe leaves[index] = first &+ at
    }
}
