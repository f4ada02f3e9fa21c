/// The rules for the outputs that a request names, in JSON and in messages alike.
enum RequestedOutput {
    /// - Parameter index: where it stands among the outputs named.
    static func check(
        _ name: String, _ index: Int, hasClassification: Bool, isShared: Bool
    ) throws(OpenInferenceError) {
        guard name == ModelSignature.outputName else {
            throw .field(
                "outputs[\(index)].name",
                name.isEmpty
                    ? "missing"
                    : "the model has no output \"\(name.prefix(100))\"; it has \"\(ModelSignature.outputName)\"")
        }
        guard index == 0 else { throw .field("outputs[\(index)].name", "\"\(name)\" stands twice") }
        guard !hasClassification else {
            throw .field("outputs[\(index)].parameters.classification", "classes are not served, predictions are")
        }
        guard !isShared else {
            throw .field("outputs[\(index)].parameters.shared_memory_region", "shared memory is not served")
        }
    }
}
