package import ModelTypes

/// Reads model artifacts. The format is told by the bytes, never by a name; nothing in the bytes is run.
package enum ModelParser {
    /// - Parameters:
    ///   - bytes: The artifact, unpacked; must not change until this returns.
    ///   - allowsRuntime: Whether an ONNX graph that is not translated may become one that a library runs.
    /// - Throws: ``ModelFormatError`` with the reason and the offset.
    package static func parse(
        _ bytes: UnsafeRawBufferPointer, limits: ModelLimits = ModelLimits(), allowsRuntime: Bool = false
    ) throws(ModelFormatError) -> ModelDescription {
        let cursor = unsafe ByteCursor(bytes)
        guard let format = format(of: cursor, limits: limits) else { throw ModelFormatError(.unknownFormat, at: 0) }
        switch format {
        case .lightGBMText: return try LightGBMText.parse(cursor, limits: limits)
        case .catBoostJSON: return try CatBoostDocument.parse(cursor, limits: limits)
        case .catBoostBinary: return try CatBoostBinary.parse(cursor, limits: limits)
        case .factorizationMachine: return try FactorizationMachineDocument.parse(cursor, limits: limits)
        case .libFMText: return try LibFMText.parse(cursor, limits: limits)
        case .onnx: return try ONNXFile.parse(cursor, limits: limits, allowsRuntime: allowsRuntime)
        case .xgboostJSON, .xgboostUBJSON, .xgboostBinary, .xgboostBuffer, .xgboostPickle:
            return try XGBoostFile.parse(cursor, format: format, limits: limits)
        }
    }

    package static func parse(
        _ bytes: Span<UInt8>, limits: ModelLimits = ModelLimits(), allowsRuntime: Bool = false
    ) throws(ModelFormatError) -> ModelDescription {
        try unsafe bytes.withUnsafeBytes { (raw) throws(ModelFormatError) in
            try unsafe parse(raw, limits: limits, allowsRuntime: allowsRuntime)
        }
    }

    private static func format(of cursor: ByteCursor, limits: ModelLimits) -> ModelSource.Format? {
        if cursor.starts(with: "CONFIG-offset:") { return .xgboostBuffer }
        if LightGBMText.isFormat(cursor) { return .lightGBMText }
        if CatBoostBinary.isFormat(cursor) { return .catBoostBinary }
        if LibFMText.isFormat(cursor) { return .libFMText }
        if cursor.starts(with: "binf") { return .xgboostBinary }
        if cursor.count > 2, cursor[0] == 0x80, (2...5).contains(cursor[1]) { return .xgboostPickle }
        if let document = XGBoostFile.document(cursor) {
            return document == .xgboostJSON ? JSONFormat.format(of: cursor, limits: limits) : document
        }
        if isHeadlessBinary(cursor) { return .xgboostBinary }
        return ONNXFile.isFormat(cursor) ? .onnx : nil
    }

    /// The binary model without `binf` has no mark; the length and the first letters of its objective serve as one.
    private static func isHeadlessBinary(_ cursor: ByteCursor) -> Bool {
        var cursor = cursor
        guard (try? cursor.skip(136)) != nil, let length = try? cursor.littleEndian(UInt64.self),
            (4...64).contains(length)
        else { return false }
        return (["reg:", "binary:", "multi:", "rank:", "count:", "survival:"] as [StaticString]).contains {
            cursor.starts(with: $0)
        }
    }
}
