/// A pickled `xgboost.core.Booster`: an object whose state holds the serialised model as bytes and a few attributes.
enum BoosterPickle {
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
        for (key, value) in machine.dictionaries[state] {
            guard case .text(let name) = key else { continue }
            switch (machine.texts[name], value) {
            case ("handle", _): model = value
            case ("feature_names", .list(let list)): featureNames = names(machine.lists[list], in: machine)
            case ("best_iteration", .integer(let round)): bestIteration = round
            default: continue
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

    private static func names(_ values: [PickleMachine.Value], in machine: PickleMachine) -> [String] {
        values.compactMap { value in
            if case .text(let index) = value { machine.texts[index] } else { nil }
        }
    }
}
