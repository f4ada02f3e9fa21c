import ModelTypes

/// How a network lies in an image: what compiler, validator and kernels share. `Docs/Formats/image.md` has the bytes.
package enum NetworkOperation: UInt32, Hashable, Sendable, CaseIterable {
    /// Dense, in panels of sixteen outputs.
    case panels = 1
    /// Dense with few outputs, whose weights lie output by output.
    case dots = 2
    case embedding = 3
    case select = 4
    case arithmetic = 5
    case combine = 6
    case softmax = 7
    case normalize = 8
    case impute = 9

    /// Below this many outputs a panel would be mostly empty.
    static let dotOutputLimit = 8

    /// How many numbers of four bytes the layer's constants take in the section of words; nil where they overflow.
    func parameterCount(inputs: Int, outputs: Int, detail: UInt32) -> Int? {
        func rounded(_ count: Int) -> Int { Network.rounded(count) }
        switch self {
        case .panels, .dots:
            let weights =
                self == .panels
                ? rounded(outputs).multipliedReportingOverflow(by: inputs)
                : rounded(inputs).multipliedReportingOverflow(by: outputs)
            let sum = weights.partialValue.addingReportingOverflow(rounded(outputs))
            return weights.overflow || sum.overflow ? nil : sum.partialValue
        case .embedding:
            let count = Int(detail).multipliedReportingOverflow(by: outputs / inputs)
            return count.overflow ? nil : count.partialValue
        case .select, .arithmetic, .impute: return outputs
        case .combine, .softmax, .normalize: return 0
        }
    }
}

/// A layer's record: sixteen numbers of four bytes.
package struct NetworkLayerEntry {
    package let operation: UInt32
    package let activation: UInt32
    package let alpha: Float
    package let input: NetworkPlaceEntry
    /// Zeros where there is none.
    package let second: NetworkPlaceEntry
    package let output: NetworkPlaceEntry
    /// Where the constants begin, in units of 64 bytes of the section of words.
    package let parameters: UInt32
    /// Rows of a table, number of an arithmetic or a norm, bits of the value that is replaced.
    package let detail: UInt32
    package let unused: UInt32
    package let unused2: UInt32

    static let byteCount = 64
}

package struct NetworkPlaceEntry {
    package let buffer: UInt32
    package let first: UInt32
    package let count: UInt32
}

/// A buffer: its columns, and where they begin among those of all buffers behind the row, each rounded up to sixteen.
package struct NetworkBufferEntry {
    package let width: UInt32
    package let start: UInt32

    static let byteCount = 8
}
