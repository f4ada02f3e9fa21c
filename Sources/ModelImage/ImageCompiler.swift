package import ModelTypes

/// Turns a description into an image. The same description and digest make the same bytes.
package enum ImageCompiler {
    /// Of a class label: answers repeat it for every row.
    package static let labelLimitBytes = 256

    /// - Parameters:
    ///   - artifactDigest: SHA-256 of the artifact as it lay in the bucket, 32 bytes; carried, not interpreted.
    ///   - encoders: What texts of some features become; of this model's features.
    package static func compile(
        _ model: ModelDescription, artifactDigest: [UInt8], encoders: FeatureEncoders? = nil
    ) throws(ImageCompilerError) -> [UInt8] {
        guard artifactDigest.count == 32 else { throw .digest(byteCount: artifactDigest.count) }
        guard model.featureCount <= Int(UInt32.max) else { throw .tooLarge("features") }
        var writer = ImageWriter()
        writer.put(ImageHeader.magic, at: ImageHeader.magicOffset)
        writer.put(ImageHeader.version, at: ImageHeader.versionOffset)
        writer.put(model.transform.rawValue, at: ImageHeader.transformOffset)
        writer.put(UInt32(model.featureCount), at: ImageHeader.featureCountOffset)
        writer.put(UInt32(model.marginCount), at: ImageHeader.marginCountOffset)
        writer.put(model.transformSlope.bitPattern, at: ImageHeader.transformSlopeOffset)
        for (index, byte) in artifactDigest.enumerated() {
            writer.put(byte, at: ImageHeader.artifactDigestOffset + index)
        }
        writer.section(.texts) { writer in
            writer.append(model.objective)
            writer.append(model.source.format.rawValue)
            writer.append(model.source.writerVersion)
            for name in model.featureNames { writer.append(name) }
        }
        switch model.predictor {
        case .forest(let forest): try write(forest, to: &writer)
        case .linear(let linear): write(linear, to: &writer)
        case .factorizationMachine(let machine): write(machine, to: &writer)
        case .network(let network): try write(network, to: &writer)
        case .graph(let graph): write(graph, to: &writer)
        }
        let tables = try TextTableCompiler(names: model.featureNames, encoders: encoders?.encoders ?? [])
        if !tables.isEmpty { writer.section(.encoders) { tables.write(to: &$0) } }
        if case .graph(let graph) = model.predictor { writer.section(.graph) { $0.append(bytes: graph.bytes) } }
        if case .forest(let forest) = model.predictor, !forest.computed.isEmpty {
            try write(forest.computed, encoders, to: &writer)
        }
        if let longest = model.classLabels.map(\.utf8.count).max() {
            guard longest <= labelLimitBytes else { throw .labelTooLong(byteCount: longest) }
            writer.section(.classLabels) { writer in for label in model.classLabels { writer.append(label) } }
        }
        writer.pad()
        writer.put(UInt64(writer.bytes.count), at: ImageHeader.totalByteCountOffset)
        return writer.bytes
    }

    private static func write(_ forest: Forest, to writer: inout ImageWriter) throws(ImageCompilerError) {
        let compiled = try ForestCompiler(forest)
        writer.put(ImageKind.forest.rawValue, at: ImageHeader.kindOffset)
        writer.put(forest.inputType.rawValue, at: ImageHeader.inputTypeOffset)
        writer.put(forest.accumulator.rawValue, at: ImageHeader.accumulatorOffset)
        writer.put(forest.comparison.rawValue, at: ImageHeader.comparisonOffset)
        writer.put(forest.categoryRule.rawValue, at: ImageHeader.categoryRuleOffset)
        writer.put(UInt32(forest.trees.count), at: ImageHeader.treeCountOffset)
        writer.put(UInt32(compiled.slots.count), at: ImageHeader.slotCountOffset)
        writer.put(UInt32(compiled.numericalSlotCount), at: ImageHeader.numericalSlotCountOffset)
        writer.put(UInt8(compiled.layout.rankBits), at: ImageHeader.rankBitsOffset)
        writer.put(UInt8(compiled.layout.slotBits), at: ImageHeader.slotBitsOffset)
        writer.put(UInt8(compiled.layout.childBits), at: ImageHeader.childBitsOffset)
        writer.put(UInt8(compiled.layout.byteCount), at: ImageHeader.wordByteCountOffset)
        writer.put(forest.divisor.bitPattern, at: ImageHeader.divisorOffset)
        writer.put(forest.scale.bitPattern, at: ImageHeader.scaleOffset)
        writer.section(.starts) { writer in
            for value in forest.startValues + forest.biases { writer.append(value, as: .float64) }
        }
        let features = SearchTable.features(thresholdCounts: compiled.thresholds.map(\.count))
        let slots = compiled.slots.map {
            ModelImageView.SlotEntry(feature: UInt32($0.feature), rule: $0.rule.rawValue)
        }
        let searches = SearchTable(features: features, slots: slots[..<compiled.numericalSlotCount])
        writer.section(.features) { writer in
            for entry in features {
                writer.append(entry.firstThreshold)
                writer.append(entry.thresholdCount)
            }
        }
        writer.section(.thresholds) { writer in
            for thresholds in compiled.thresholds {
                for value in thresholds { writer.append(value, as: forest.inputType) }
                let roomCount = SearchTable.paddedCount(thresholds.count) - thresholds.count
                for _ in 0..<roomCount { writer.append(.nan, as: forest.inputType) }
            }
        }
        writer.section(.slots) { writer in
            for entry in slots {
                writer.append(entry.feature)
                writer.append(entry.rule)
            }
        }
        writer.section(.trees) { writer in
            for field in [\ForestCompiler.Tree.firstWord, \.wordCount, \.margin, \.depth] {
                for tree in compiled.trees { writer.append(UInt32(tree[keyPath: field])) }
            }
        }
        writer.section(.words) { writer in
            for word in compiled.words {
                if compiled.layout.byteCount == 4 { writer.append(UInt32(word)) } else { writer.append(word) }
            }
        }
        writer.section(.values) { writer in
            for value in compiled.values { writer.append(value, as: forest.accumulator) }
        }
        writer.section(.categories) { writer in
            var first = 0
            for set in forest.categorySets {
                writer.append(UInt32(first))
                writer.append(UInt32(set.count))
                first += set.count
            }
            for word in forest.categorySets.joined() { writer.append(word) }
        }
        writer.section(.pivots) { writer in
            for thresholds in compiled.thresholds {
                SearchTable.forEachPivot(thresholdCount: thresholds.count) {
                    writer.append($0.map { thresholds[$0] } ?? .nan, as: forest.inputType)
                }
            }
        }
        writeComparisons(compiled, searches, forest.accumulator, to: &writer)
        writer.section(.searches) { writer in
            for search in searches.searches { for field in search.fields { writer.append(field) } }
        }
        writeScan(compiled, forest.accumulator, to: &writer)
        writer.put(UInt32(forest.categorySets.count), at: ImageHeader.categorySetCountOffset)
    }

    private static func write(
        _ computed: ComputedFeatures, _ encoders: FeatureEncoders?, to writer: inout ImageWriter
    ) throws(ImageCompilerError) {
        let texts = Set(computed.textColumns)
        if let encoder = encoders?.encoders.first(where: { texts.contains(Int32($0.feature)) }) {
            throw .encodedCategories(feature: encoder.feature)
        }
        let compiled = try ComputedCompiler(computed)
        writer.section(.projections) { compiled.writeProjections(to: &$0) }
        writer.section(.parts) { compiled.writeParts(to: &$0) }
        writer.section(.tables) { compiled.writeTables(to: &$0) }
    }

    private static func writeComparisons(
        _ compiled: ForestCompiler, _ searches: SearchTable, _ accumulator: NumberType, to writer: inout ImageWriter
    ) {
        guard
            var table = ComparisonTable(
                depths: compiled.trees.lazy.map { UInt32($0.depth) }, compiled.layout, searches,
                slotCount: compiled.slots.count, numericalSlotCount: compiled.numericalSlotCount)
        else { return }
        for tree in compiled.trees { table.append(firstWord: tree.firstWord) { compiled.words[$0] } }
        writer.section(.comparisons) { writer in
            writer.append(bytes: table.splits)
            for leaf in table.leaves { writer.append(leaf.map { compiled.values[$0] } ?? 0, as: accumulator) }
        }
    }

    private static func writeScan(
        _ compiled: ForestCompiler, _ accumulator: NumberType, to writer: inout ImageWriter
    ) {
        guard
            ScanTable.fits(
                wordCounts: compiled.trees.lazy.map(\.wordCount), compiled.layout, slotCount: compiled.slots.count,
                numericalSlotCount: compiled.numericalSlotCount,
                greatestRank: compiled.thresholds.lazy.map(\.count).max() ?? 0)
        else { return }
        var scan = ScanTable(compiled.layout)
        for tree in compiled.trees { scan.append(firstWord: tree.firstWord) { compiled.words[$0] } }
        scan.finish()
        writer.section(.scanStarts) { writer in for start in scan.starts { writer.append(start) } }
        writer.section(.scanEntries) { writer in for entry in scan.entries { writer.append(entry) } }
        writer.section(.scanValues) { writer in
            for leaf in scan.leaves { writer.append(compiled.values[leaf], as: accumulator) }
        }
    }

    private static func write(_ linear: LinearPredictor, to writer: inout ImageWriter) {
        writer.put(ImageKind.linear.rawValue, at: ImageHeader.kindOffset)
        writer.put(linear.accumulator.rawValue, at: ImageHeader.inputTypeOffset)
        writer.put(linear.accumulator.rawValue, at: ImageHeader.accumulatorOffset)
        writer.put((1 as Double).bitPattern, at: ImageHeader.divisorOffset)
        writer.section(.starts) { writer in
            for value in linear.startValues { writer.append(value, as: .float64) }
        }
        writer.section(.words) { writer in
            for value in linear.weights { writer.append(value, as: linear.accumulator) }
        }
    }

    private static func write(_ machine: FactorizationMachine, to writer: inout ImageWriter) {
        writer.put(ImageKind.factorizationMachine.rawValue, at: ImageHeader.kindOffset)
        writer.put(NumberType.float32.rawValue, at: ImageHeader.inputTypeOffset)
        writer.put(NumberType.float32.rawValue, at: ImageHeader.accumulatorOffset)
        writer.put((1 as Double).bitPattern, at: ImageHeader.divisorOffset)
        writer.section(.starts) { $0.append(Double(machine.bias), as: .float64) }
        writer.section(.words) { writer in
            for weight in machine.weights { writer.append(weight.bitPattern) }
        }
        let count = machine.factorCount
        let padding = (8 - count % 8) % 8
        writer.section(.factors) { writer in
            for feature in 0..<machine.featureCount {
                for factor in machine.factors[feature * count..<(feature + 1) * count] {
                    writer.append(factor.bitPattern)
                }
                for _ in 0..<padding { writer.append(0 as UInt32) }
            }
        }
    }

    private static func write(_ graph: RuntimeGraph, to writer: inout ImageWriter) {
        writer.put(ImageKind.graph.rawValue, at: ImageHeader.kindOffset)
        writer.put(graph.interface.inputType.rawValue, at: ImageHeader.inputTypeOffset)
        writer.put(graph.interface.outputType.rawValue, at: ImageHeader.accumulatorOffset)
        writer.put((1 as Double).bitPattern, at: ImageHeader.divisorOffset)
        writer.section(.starts) { writer in
            for _ in 0..<graph.interface.outputCount { writer.append(0, as: .float64) }
        }
    }

    private static func write(_ network: Network, to writer: inout ImageWriter) throws(ImageCompilerError) {
        let compiled = try NetworkCompiler(network)
        writer.put(ImageKind.network.rawValue, at: ImageHeader.kindOffset)
        writer.put(NumberType.float32.rawValue, at: ImageHeader.inputTypeOffset)
        writer.put(NumberType.float32.rawValue, at: ImageHeader.accumulatorOffset)
        writer.put((1 as Double).bitPattern, at: ImageHeader.divisorOffset)
        writer.put(UInt32(compiled.layers.count), at: ImageHeader.layerCountOffset)
        writer.put(UInt32(compiled.buffers.count), at: ImageHeader.bufferCountOffset)
        writer.section(.starts) { writer in
            for _ in 0..<network.output.count { writer.append(0, as: .float64) }
        }
        writer.section(.words) { writer in
            for word in compiled.words { writer.append(word) }
        }
        writer.section(.layers) { writer in
            for layer in compiled.layers {
                writer.append(layer.operation)
                writer.append(layer.activation)
                writer.append(layer.alpha.bitPattern)
                for place in [layer.input, layer.second, layer.output] {
                    writer.append(place.buffer)
                    writer.append(place.first)
                    writer.append(place.count)
                }
                writer.append(layer.parameters)
                writer.append(layer.detail)
                writer.append(UInt64(0))
            }
            for buffer in compiled.buffers {
                writer.append(buffer.width)
                writer.append(buffer.start)
            }
            writer.append(UInt32(network.output.buffer))
            writer.append(UInt32(network.output.first))
        }
    }
}
