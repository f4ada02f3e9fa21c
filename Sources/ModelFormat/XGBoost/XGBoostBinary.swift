import ModelTypes
import Names

/// XGBoost's legacy binary model: C structures, little-endian, behind an optional `binf`.
///
/// Source: `LearnerIO::LoadModel(dmlc::Stream*)`, `GBTreeModel::Load` and `RegTree::Load` of XGBoost 1.7.6; strings and
/// vectors are a 64-bit count and their elements. What its structures keep in reserve has been zero in every release, and is refused
/// where it is not; so are bytes behind the model.
enum XGBoostBinary {
    static func read(
        _ cursor: inout ByteCursor, into draft: inout XGBoostDraft, limits: ModelLimits
    ) throws(ModelFormatError) {
        if cursor.starts(with: "binf") { try cursor.skip(4) }
        let baseScore = try cursor.float32()
        draft.featureCount = Int(try cursor.littleEndian(UInt32.self))
        draft.classCount = Int(try cursor.littleEndian(Int32.self))
        let hasAttributes = try cursor.littleEndian(Int32.self) != 0
        let hasMetrics = try cursor.littleEndian(Int32.self) != 0
        let major = Int(try cursor.littleEndian(UInt32.self))
        let minor = Int(try cursor.littleEndian(UInt32.self))
        draft.versionNumbers = major == 0 ? [] : [major, minor]
        // Before 1.6 this was a reserved zero.
        draft.targetCount = max(1, Int(try cursor.littleEndian(UInt32.self)))
        // Whether the base score was estimated.
        try cursor.skip(4)
        try skipReserve(&cursor, 100)
        draft.objective = try text(&cursor, limits)
        draft.booster = try text(&cursor, limits)
        draft.baseScores = [baseScore]
        if major < 1, !draft.objective.hasBytePrefix("multi:") {
            guard let objective = XGBoostObjective(name: draft.objective) else { return }
            draft.baseScores = [objective.baseScore(oldMargin: baseScore)]
            // To a step a score of 0.5 is none: releases before 1.0 start there, and those after it at 1.
            guard objective.transform != .step || draft.baseScores == [baseScore] else {
                throw XGBoostObjective.refusedAsAmbiguous(draft.objective, at: cursor.offset)
            }
        }
        switch draft.booster {
        case "gbtree": try readTrees(&cursor, into: &draft, limits)
        case "dart":
            try readTrees(&cursor, into: &draft, limits)
            draft.treeWeights = draft.trees.isEmpty ? [] : try floats(&cursor)
        case "gblinear":
            // How many features and margins, which the learner says as well.
            try cursor.skip(8)
            try skipReserve(&cursor, 128)
            draft.linearWeights = try floats(&cursor)
        default: throw ModelFormatError(.unsupported("booster \(draft.booster.prefix(64))"), at: cursor.offset)
        }
        if hasAttributes { try readAttributes(&cursor, into: &draft, limits) }
        // Up to 0.90 a parameter of the training and the names of metrics, which are attributes since.
        if major < 1, cursor.remainingCount > 0 {
            if draft.objective == "count:poisson" { _ = try text(&cursor, limits) }
            if hasMetrics { try skipTexts(&cursor, limits) }
        }
        guard cursor.remainingCount == 0 else {
            throw ModelFormatError(.unsupported("bytes behind the binary model"), at: cursor.offset)
        }
    }

    private static func skipTexts(_ cursor: inout ByteCursor, _ limits: ModelLimits) throws(ModelFormatError) {
        let count = try cursor.littleEndian(UInt64.self)
        guard count <= UInt64(cursor.remainingCount / 8) else { throw ModelFormatError(.truncated, at: cursor.offset) }
        for _ in 0..<count { _ = try text(&cursor, limits) }
    }

    private static func skipReserve(_ cursor: inout ByteCursor, _ count: Int) throws(ModelFormatError) {
        for _ in 0..<count where try cursor.byte() != 0 {
            throw ModelFormatError(
                .unsupported("a field of the binary model that was kept in reserve"), at: cursor.offset)
        }
    }

    private static func readTrees(
        _ cursor: inout ByteCursor, into draft: inout XGBoostDraft, _ limits: ModelLimits
    ) throws(ModelFormatError) {
        let treeCount = Int(try cursor.littleEndian(Int32.self))
        guard treeCount >= 0, treeCount <= limits.maxTreeCount else {
            throw ModelFormatError(.tooLarge("trees"), at: cursor.offset)
        }
        // How many trees a round has and how many features and margins there are, which is not needed; in between a buffer of
        // predictions, which no release since 0.6 has.
        try cursor.skip(8)
        try skipReserve(&cursor, 12)
        try cursor.skip(4)
        try XGBoostTree.checkLeaf(size: Int(try cursor.littleEndian(Int32.self)), at: cursor.offset)
        try skipReserve(&cursor, 128)
        for id in 0..<treeCount {
            draft.trees.append(XGBoostDraft.Tree(id: id, nodes: try readTree(&cursor)))
        }
        for _ in 0..<treeCount { draft.treeMargins.append(Int(try cursor.littleEndian(Int32.self))) }
    }

    private static func readTree(_ cursor: inout ByteCursor) throws(ModelFormatError) -> [TreeNode] {
        guard try cursor.littleEndian(Int32.self) <= 1 else {
            throw ModelFormatError(.unsupported("trees with several roots"), at: cursor.offset)
        }
        let nodeCount = Int(try cursor.littleEndian(Int32.self))
        // How many nodes were deleted, the depth, and the features.
        try cursor.skip(12)
        try XGBoostTree.checkLeaf(size: Int(try cursor.littleEndian(Int32.self)), at: cursor.offset)
        try skipReserve(&cursor, 124)
        // A node takes 20 bytes and its statistics 16.
        guard nodeCount > 0, nodeCount <= cursor.remainingCount / 36 else {
            throw ModelFormatError(.truncated, at: cursor.offset)
        }
        let start = cursor.offset
        let table = try cursor.slice(nodeCount * 20)
        try cursor.skip(nodeCount * 16)
        return try TreeAssembler.assemble(nodeCount: nodeCount, offset: start) { (number) throws(ModelFormatError) in
            var entry = table
            // Behind the parent's number.
            try entry.skip(number * 20 + 4)
            let left = try entry.littleEndian(Int32.self)
            let right = try entry.littleEndian(Int32.self)
            let split = try entry.littleEndian(UInt32.self)
            let value = Double(try entry.float32())
            if left == -1 { return .leaf(value) }
            return .numerical(
                feature: Int32(split & 0x7FFF_FFFF), threshold: value, missing: split >> 31 == 1 ? .nanLeft : .nanRight,
                left: left, right: right)
        }
    }

    private static func readAttributes(
        _ cursor: inout ByteCursor, into draft: inout XGBoostDraft, _ limits: ModelLimits
    ) throws(ModelFormatError) {
        let count = try cursor.littleEndian(UInt64.self)
        // Two lengths each.
        guard count <= UInt64(cursor.remainingCount / 16) else { throw ModelFormatError(.truncated, at: cursor.offset) }
        for _ in 0..<count {
            let key = try text(&cursor, limits)
            let value = try text(&cursor, limits)
            if key == "best_iteration" { draft.bestIteration = Int(value) }
        }
    }

    private static func text(_ cursor: inout ByteCursor, _ limits: ModelLimits) throws(ModelFormatError) -> String {
        let count = try cursor.littleEndian(UInt64.self)
        guard count <= UInt64(cursor.remainingCount) else { throw ModelFormatError(.truncated, at: cursor.offset) }
        return try cursor.text(Int(count), limits: limits)
    }

    private static func floats(_ cursor: inout ByteCursor) throws(ModelFormatError) -> [Float] {
        let count = try cursor.littleEndian(UInt64.self)
        guard count <= UInt64(cursor.remainingCount / 4) else { throw ModelFormatError(.truncated, at: cursor.offset) }
        var values: [Float] = []
        values.reserveCapacity(Int(count))
        for _ in 0..<count { values.append(try cursor.float32()) }
        return values
    }
}
