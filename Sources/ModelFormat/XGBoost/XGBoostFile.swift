import JSONReader
import ModelTypes

/// XGBoost's formats, told apart by their first bytes.
enum XGBoostFile {
    static func parse(
        _ cursor: ByteCursor, format: ModelSource.Format, limits: ModelLimits
    ) throws(ModelFormatError) -> ModelDescription {
        var cursor = cursor
        var draft = XGBoostDraft()
        switch format {
        case .xgboostPickle: try BoosterPickle.read(cursor, into: &draft, limits: limits)
        case .xgboostBuffer: try XGBoostBuffer.read(&cursor, into: &draft, limits: limits)
        case .xgboostBinary: try XGBoostBinary.read(&cursor, into: &draft, limits: limits)
        default: try readUnwrapped(&cursor, into: &draft, limits: limits)
        }
        return try draft.description(format: format, limits: limits, offset: cursor.origin + cursor.count)
    }

    /// A document, or the binary model.
    static func readUnwrapped(
        _ cursor: inout ByteCursor, into draft: inout XGBoostDraft, limits: ModelLimits
    ) throws(ModelFormatError) {
        switch document(cursor) {
        case .xgboostJSON?:
            let rules = JSONRules(maxStringBytes: limits.maxStringBytes, allowsNonFinite: true)
            let origin = cursor.offset
            do throws(ModelFormatError) {
                try unsafe cursor.withRemainingBytes { (bytes) throws(ModelFormatError) in
                    try unsafe JSONReader.read(bytes, rules: rules) { (json) throws(ModelFormatError) in
                        try XGBoostDocument.read(&json, into: &draft, limits: limits)
                        try json.takeEnd()
                    }
                }
            } catch { throw ModelFormatError(error.reason, at: origin + error.offset) }
        case .xgboostUBJSON?:
            var reader = UBJSONReader(cursor, limits: limits)
            try XGBoostDocument.read(&reader, into: &draft, limits: limits)
            try reader.takeEnd()
        default: try XGBoostBinary.read(&cursor, into: &draft, limits: limits)
        }
    }

    /// JSON has a quotation mark behind the first brace, UBJSON the type of a length.
    static func document(_ cursor: ByteCursor) -> ModelSource.Format? {
        var index = cursor.position
        func skipSpace() {
            while index < cursor.count, [0x20, 0x09, 0x0A, 0x0D].contains(cursor[index]) { index += 1 }
        }
        skipSpace()
        guard index < cursor.count, cursor[index] == UInt8(ascii: "{") else { return nil }
        index += 1
        if index < cursor.count, Array("iUIlL#".utf8).contains(cursor[index]) { return .xgboostUBJSON }
        skipSpace()
        guard index < cursor.count else { return nil }
        return cursor[index] == UInt8(ascii: "\"") ? .xgboostJSON : nil
    }
}
