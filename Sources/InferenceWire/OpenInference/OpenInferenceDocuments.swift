import Telemetry

/// The protocol's answers other than predictions, as JSON.
package enum OpenInferenceDocuments {
    package static func server() -> String {
        """
        {"name":\(jsonQuoted(OpenInferenceServer.name)),"version":\(jsonQuoted(OpenInferenceServer.version)),\
        "extensions":[\(OpenInferenceServer.extensions.map(jsonQuoted).joined(separator: ","))]}
        """
    }

    package static func metadata(_ model: ModelSignature) -> String {
        // Where clients look for parameters of a tensor; the protocol itself has no place for labels.
        let labels =
            model.classLabels.isEmpty
            ? "" : ",\"parameters\":{\"labels\":[\(model.classLabels.map(jsonQuoted).joined(separator: ","))]}"
        return """
            {"name":\(jsonQuoted(model.name)),"versions":[\(jsonQuoted(model.version))],\
            "platform":\(jsonQuoted(model.platform)),\
            "inputs":[{"name":\(jsonQuoted(ModelSignature.inputName)),"datatype":"\(model.inputType.rawValue)",\
            "shape":\(list(model.inputShape))\(model.inputParameters)}],\
            "outputs":[{"name":\(jsonQuoted(ModelSignature.outputName)),"datatype":"\(model.outputType.rawValue)",\
            "shape":\(list(model.outputShape))\(labels)}]}
            """
    }

    /// The part of Triton's model configuration that has a meaning here. `max_batch_size` 0: the first dimension is told.
    package static func configuration(_ model: ModelSignature) -> String {
        """
        {"name":\(jsonQuoted(model.name)),"platform":\(jsonQuoted(model.platform)),\
        "backend":\(jsonQuoted(OpenInferenceServer.name)),"version_policy":{"latest":{"num_versions":1}},\
        "max_batch_size":0,\
        "input":[{"name":\(jsonQuoted(ModelSignature.inputName)),"data_type":"TYPE_\(model.inputType.rawValue)",\
        "dims":\(list(model.inputShape))}],\
        "output":[{"name":\(jsonQuoted(ModelSignature.outputName)),"data_type":"TYPE_\(model.outputType.rawValue)",\
        "dims":\(list(model.outputShape))}]}
        """
    }

    package static func ready(_ model: ModelSignature) -> String {
        "{\"name\":\(jsonQuoted(model.name)),\"ready\":true}"
    }

    package static func index(_ entries: [RepositoryEntry]) -> String {
        let texts = entries.map { entry in
            """
            {"name":\(jsonQuoted(entry.name)),"version":\(jsonQuoted(entry.version)),"state":"\(entry.state)",\
            "reason":"\(entry.reason)"}
            """
        }
        return "[\(texts.joined(separator: ","))]"
    }

    package static func statistics(_ models: [(entry: RepositoryEntry, counts: InferenceStatistics)]) -> String {
        let texts = models.map { entry, counts in
            """
            {"name":\(jsonQuoted(entry.name)),"version":\(jsonQuoted(entry.version)),\
            "last_inference":\(counts.lastMilliseconds),"inference_count":\(counts.inferenceCount),\
            "execution_count":\(counts.executionCount),"inference_stats":{\
            "success":\(text(counts.success)),"fail":\(text(counts.failure)),"queue":\(text(counts.queue)),\
            "compute_input":\(text(counts.input)),"compute_infer":\(text(counts.inference)),\
            "compute_output":\(text(counts.output)),"cache_hit":\(text(.init())),"cache_miss":\(text(.init()))},\
            "batch_stats":[]}
            """
        }
        return "{\"model_stats\":[\(texts.joined(separator: ","))]}"
    }

    package static func refusal(_ reason: String) -> String { "{\"error\":\(jsonQuoted(reason))}" }

    private static func list(_ shape: [Int64]) -> String {
        "[\(shape.map(\.description).joined(separator: ","))]"
    }

    private static func text(_ tally: InferenceStatistics.Tally) -> String {
        "{\"count\":\(tally.count),\"ns\":\(tally.nanoseconds)}"
    }
}

extension ModelSignature {
    /// -1 stands for any number of rows.
    var inputShape: [Int64] { [-1, Int64(featureCount)] }
    var outputShape: [Int64] { outputCount == 1 ? [-1] : [-1, Int64(outputCount)] }
}

extension InferenceStatistics {
    /// Requests wait for nothing: each counts, with no time.
    var queue: Tally { Tally(count: success.count) }
}
