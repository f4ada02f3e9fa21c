/// What an inference request asks for, beside its rows.
package struct TensorRequest: Equatable, Sendable {
    package enum Form: Equatable, Sendable {
        /// Elements in JSON, or in the typed fields of a message.
        case typed
        /// Elements as little-endian bytes: behind the JSON, or in `raw_output_contents`.
        case binary
    }

    package internal(set) var rowCount = 0
    /// Where in the request the id's characters are, to be echoed as they came (in JSON with their escapes); nil without one.
    package internal(set) var idRange: Range<Int>?
    /// How the output is to come.
    package internal(set) var form = Form.typed
    /// How many classes of each row are asked for, best first; 0 where the predictions are.
    package internal(set) var classCount = 0

    package init() {}
}

/// What reading one request after another leaves standing: in a steady load the descriptions of tensors find their room here.
package struct TensorScratch: Sendable {
    var inputs: [InputTensor] = []
    /// Where a message's `raw_input_contents` are.
    var raws: [Range<Int>] = []

    package init() {}

    mutating func clear() {
        inputs.removeAll(keepingCapacity: true)
        raws.removeAll(keepingCapacity: true)
    }
}
