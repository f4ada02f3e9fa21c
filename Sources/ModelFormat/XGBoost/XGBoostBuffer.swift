import JSONReader
import ModelTypes

/// What `Booster.serialize` and pickles hold: up to 1.6 `CONFIG-offset:`, a 64-bit length, that much binary model, then the
/// configuration as JSON; since 1.7 a document with `Model` and `Config`. The configuration does not bear on predictions.
enum XGBoostBuffer {
    static func read(
        _ cursor: inout ByteCursor, into draft: inout XGBoostDraft, limits: ModelLimits
    ) throws(ModelFormatError) {
        guard cursor.starts(with: "CONFIG-offset:") else {
            try XGBoostFile.readUnwrapped(&cursor, into: &draft, limits: limits)
            return
        }
        try cursor.skip(14)
        let length = try cursor.littleEndian(Int64.self)
        guard length > 0, length <= Int64(cursor.remainingCount) else {
            throw ModelFormatError(.truncated, at: cursor.offset)
        }
        var model = try cursor.slice(Int(length))
        try XGBoostBinary.read(&model, into: &draft, limits: limits)
        // The binary model states major and minor version only; the configuration the whole.
        draft.versionNumbers = version(cursor) ?? draft.versionNumbers
    }

    private static func version(_ cursor: ByteCursor) -> [Int]? {
        var numbers: [Int]?
        // A configuration that cannot be read costs the version's last number and nothing else.
        try? unsafe cursor.withRemainingBytes { (bytes) throws(ModelFormatError) in
            try unsafe JSONReader.read(bytes, rules: JSONRules(allowsNonFinite: true)) {
                (json) throws(ModelFormatError) in
                try json.eachKey { (json, key) throws(ModelFormatError) in
                    if key == "version" { numbers = try json.takeInts() } else { try json.skip() }
                }
            }
        }
        return numbers
    }
}
