import CKernels

/// Kernels by what they ask of the processor; each set has all that those before it have.
package enum KernelSet: Int, Comparable, Sendable, CaseIterable {
    /// In Swift, for every processor.
    case portable
    /// Ranks by vectors, walks by bit fields, scans of small trees for many rows.
    case avx2
    /// Walks by gathers as well.
    case avx512

    /// The best that this processor runs.
    package static var ofProcessor: KernelSet {
        guard lodestore_has_avx2() else { return .portable }
        return lodestore_has_avx512() ? .avx512 : .avx2
    }

    package static func < (left: KernelSet, right: KernelSet) -> Bool { left.rawValue < right.rawValue }
}
