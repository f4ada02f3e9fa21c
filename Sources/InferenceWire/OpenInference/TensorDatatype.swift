/// The element types of tensors, by their names in the Open Inference Protocol.
///
/// Source: "Open Inference Protocol", tensor data types, and Triton's BF16 beside them. Binary tensors are little-endian.
package enum TensorDatatype: String, Sendable, CaseIterable {
    case bool = "BOOL"
    case uint8 = "UINT8"
    case uint16 = "UINT16"
    case uint32 = "UINT32"
    case uint64 = "UINT64"
    case int8 = "INT8"
    case int16 = "INT16"
    case int32 = "INT32"
    case int64 = "INT64"
    case fp16 = "FP16"
    case bf16 = "BF16"
    case fp32 = "FP32"
    case fp64 = "FP64"
    /// Texts: of features that the model has an encoder for.
    case bytes = "BYTES"

    /// Bytes of one element in a binary tensor; nil where elements differ.
    package var byteCount: Int? {
        switch self {
        case .bool, .uint8, .int8: 1
        case .uint16, .int16, .fp16, .bf16: 2
        case .uint32, .int32, .fp32: 4
        case .uint64, .int64, .fp64: 8
        case .bytes: nil
        }
    }

    /// The greatest magnitudes of the whole numbers that an element may be; nil for types that are not whole.
    var wholeLimits: WholeLimits? {
        switch self {
        case .uint8: WholeLimits(UInt8.self)
        case .uint16: WholeLimits(UInt16.self)
        case .uint32: WholeLimits(UInt32.self)
        case .uint64: WholeLimits(UInt64.self)
        case .int8: WholeLimits(Int8.self)
        case .int16: WholeLimits(Int16.self)
        case .int32: WholeLimits(Int32.self)
        case .int64: WholeLimits(Int64.self)
        case .bool, .fp16, .bf16, .fp32, .fp64, .bytes: nil
        }
    }

    /// The range of a type of whole numbers, to the last of them.
    struct WholeLimits {
        private let positive: UInt64
        private let negative: UInt64

        init<Whole: FixedWidthInteger>(_: Whole.Type) {
            positive = UInt64(Whole.max)
            negative = UInt64(Whole.min.magnitude)
        }

        func holds(_ magnitude: UInt64, isNegative: Bool) -> Bool { magnitude <= (isNegative ? negative : positive) }
        func holds(_ number: Int64) -> Bool { holds(number.magnitude, isNegative: number < 0) }
    }

    /// The number of the type in Triton's `model_config.proto`.
    var configNumber: UInt64 {
        switch self {
        case .bool: 1
        case .uint8: 2
        case .uint16: 3
        case .uint32: 4
        case .uint64: 5
        case .int8: 6
        case .int16: 7
        case .int32: 8
        case .int64: 9
        case .fp16: 10
        case .fp32: 11
        case .fp64: 12
        case .bytes: 13
        case .bf16: 14
        }
    }
}
