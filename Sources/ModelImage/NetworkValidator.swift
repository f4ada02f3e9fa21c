import ModelTypes

// The checks that let kernels run through a network without any: every place lies in its buffer and was written before, every
// block of constants lies in the section of words and holds only what its operation can use.

extension ImageValidator {
    var networkLayers: UnsafeBufferPointer<NetworkLayerEntry> {
        let all = unsafe section(.layers)
        return unsafe UnsafeRawBufferPointer(rebasing: all[..<(layerCount * NetworkLayerEntry.byteCount)])
            .assumingMemoryBound(to: NetworkLayerEntry.self)
    }

    var networkBuffers: UnsafeBufferPointer<NetworkBufferEntry> {
        let all = unsafe section(.layers)
        let start = layerCount * NetworkLayerEntry.byteCount
        return unsafe UnsafeRawBufferPointer(rebasing: all[start..<start + bufferCount * NetworkBufferEntry.byteCount])
            .assumingMemoryBound(to: NetworkBufferEntry.self)
    }

    /// What the last eight bytes of the section say, as wide as there are margins.
    var networkOutput: NetworkPlaceEntry {
        let all = unsafe section(.layers)
        return unsafe NetworkPlaceEntry(
            buffer: all.loadUnaligned(fromByteOffset: all.count - 8, as: UInt32.self),
            first: all.loadUnaligned(fromByteOffset: all.count - 4, as: UInt32.self), count: UInt32(marginCount))
    }

    func checkNetworkSections() throws(ModelImageError) {
        // Counts are below 2^32 each, so that the sum fits.
        let byteCount = layerCount * NetworkLayerEntry.byteCount + bufferCount * NetworkBufferEntry.byteCount + 8
        guard unsafe section(.layers).count == byteCount else { throw .section(ImageSection.layers.rawValue) }
        guard unsafe section(.words).count % 4 == 0 else { throw .section(ImageSection.words.rawValue) }
    }

    func checkNetwork() throws(ModelImageError) {
        let buffers = unsafe networkBuffers
        var start = 0
        for index in 0..<bufferCount {
            let entry = unsafe buffers[index]
            guard entry.width <= UInt32(Network.maxColumnCount), entry.start == UInt32(start),
                index > 0 || Int(entry.width) == featureCount
            else { throw .buffer(index) }
            if index > 0 { start += Network.rounded(Int(entry.width)) }
            guard start <= Network.maxColumnCount else { throw .buffer(index) }
        }
        guard bufferCount > 0 else { throw .buffer(0) }
        var written = [Int](repeating: 0, count: bufferCount)
        written[0] = featureCount
        for index in 0..<layerCount {
            let layer = unsafe networkLayers[index]
            guard isReadable(layer.input, written),
                layer.operation == NetworkOperation.combine.rawValue
                    ? isReadable(layer.second, written)
                        && (layer.second.count == layer.output.count || layer.second.count == 1)
                    : layer.second.count == 0
            else { throw .layer(index) }
            let output = layer.output
            guard output.buffer > 0, output.buffer < UInt32(bufferCount), output.count > 0,
                Int(output.first) == written[Int(output.buffer)],
                Int(output.count) <= Int(unsafe buffers[Int(output.buffer)].width) - Int(output.first)
            else { throw .layer(index) }
            try checkOperation(of: layer, index)
            written[Int(output.buffer)] += Int(output.count)
        }
        guard isReadable(networkOutput, written) else { throw .header(offset: ImageHeader.marginCountOffset) }
    }

    private func isReadable(_ place: NetworkPlaceEntry, _ written: [Int]) -> Bool {
        Int(place.buffer) < written.count && place.count > 0
            && Int(place.first) + Int(place.count) <= written[Int(place.buffer)]
    }

    private func checkOperation(of layer: NetworkLayerEntry, _ index: Int) throws(ModelImageError) {
        let (inputs, outputs) = (Int(layer.input.count), Int(layer.output.count))
        guard let operation = NetworkOperation(rawValue: layer.operation),
            layer.activation <= UInt32(Network.Activation.exponential.rawValue)
        else { throw .layer(index) }
        let isSound =
            switch operation {
            // Whole panels are written: the buffer is the layer's own.
            case .panels, .dots: layer.output.first == 0
            case .embedding:
                outputs >= inputs && outputs.isMultiple(of: inputs) && layer.detail > 0
                    && layer.detail <= UInt32(Network.maxTableRowCount)
            case .select: true
            case .arithmetic, .combine:
                inputs == outputs && layer.detail <= UInt32(Network.Arithmetic.divideInto.rawValue)
            case .normalize: inputs == outputs && layer.detail <= UInt32(Network.Norm.l2.rawValue)
            case .softmax, .impute: inputs == outputs
            }
        guard isSound,
            let count = operation.parameterCount(inputs: inputs, outputs: outputs, detail: layer.detail)
        else { throw .layer(index) }
        let words = unsafe section(.words)
        let start = Int(layer.parameters) * Network.columnStep
        guard start <= words.count / 4, count <= words.count / 4 - start else { throw .layer(index) }
        guard operation == .select else { return }
        for position in start..<start + count {
            guard unsafe words.load(fromByteOffset: position * 4, as: UInt32.self) < layer.input.count else {
                throw .layer(index)
            }
        }
    }
}
