/// A pickled `xgboost.core.Booster`: an object whose state holds the serialised model as bytes and a few attributes.
enum BoosterPickle {
    private enum Key: String, DocumentKey {
        case handle
        case featureNames = "feature_names"
        case bestIteration = "best_iteration"
        static let withoutEffect = ["feature_types", "booster", "best_score", "best_ntree_limit"]
    }

    static func read(
        _ cursor: ByteCursor, into draft: inout XGBoostDraft, limits: ModelLimits
    ) throws(ModelFormatError) {
        var machine = PickleMachine(cursor, limits: limits)
        guard case .object(let index) = try machine.run(), case .dictionary(let state) = machine.objects[index] else {
            throw ModelFormatError(.unsupported("a pickle of something other than a booster"), at: cursor.origin)
        }
        var model: PickleMachine.Value?
        var featureNames: [String] = []
        var bestIteration: Int?
        var known = KnownKeys<Key>()
        for (key, value) in machine.dictionaries[state] {
            guard case .text(let name) = key else {
                throw ModelFormatError(.unsupported("an attribute of the booster without a name"), at: cursor.origin)
            }
            switch (try known.take(machine.texts[name], at: "the booster", offset: cursor.origin), value) {
            case (.handle, _): model = value
            case (.featureNames, .list(let list)):
                featureNames = try names(machine.lists[list], in: machine, at: cursor.origin)
            case (.bestIteration, .integer(let round)): bestIteration = round
            case (.featureNames, .none), (.bestIteration, .none), (nil, _): continue
            case (let key?, _):
                throw ModelFormatError(.malformed("the booster's \(key.rawValue)"), at: cursor.origin)
            }
        }
        switch model {
        case .bytes(let start, let count)?:
            var bytes = cursor
            try bytes.skip(start - bytes.position)
            var buffer = try bytes.slice(count)
            try XGBoostBuffer.read(&buffer, into: &draft, limits: limits)
        case .recoded(let index)?:
            let bytes = machine.recoded[index]
            try unsafe bytes.span.withUnsafeBytes { (raw) throws(ModelFormatError) in
                // Offsets in these bytes are not offsets in the file: errors are placed at its start.
                var buffer = unsafe ByteCursor(raw, origin: cursor.origin)
                try XGBoostBuffer.read(&buffer, into: &draft, limits: limits)
            }
        default: throw ModelFormatError(.malformed("a booster without a model"), at: cursor.origin)
        }
        // Since 1.4 the model itself has the names.
        if draft.featureNames.isEmpty { draft.featureNames = featureNames }
        draft.bestIteration = draft.bestIteration ?? bestIteration
    }

    private static func names(
        _ values: [PickleMachine.Value], in machine: PickleMachine, at offset: Int
    ) throws(ModelFormatError) -> [String] {
        var names: [String] = []
        for value in values {
            guard case .text(let index) = value else {
                throw ModelFormatError(.malformed("the booster's feature_names"), at: offset)
            }
            names.append(machine.texts[index])
        }
        return names
    }
}
