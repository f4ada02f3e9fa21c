import Names

/// The rules for the outputs that a request names, in JSON and in messages alike.
enum RequestedOutput {
    /// - Parameters:
    ///   - index: where it stands among the outputs named.
    ///   - classification: how many classes it is to be; 0 where nothing is said.
    /// - Returns: how many classes are asked for.
    static func check(
        _ name: String, _ index: Int, classification: Int64, isShared: Bool
    ) throws(OpenInferenceError) -> Int {
        guard Name(name) == Name(ModelSignature.outputName) else {
            throw .field(
                "outputs[\(index)].name",
                name.isEmpty
                    ? "missing"
                    : "the model has no output \"\(name.prefix(100))\"; it has \"\(ModelSignature.outputName)\"")
        }
        guard index == 0 else { throw .field("outputs[\(index)].name", "\"\(name)\" stands twice") }
        guard classification >= 0 else {
            throw .field("outputs[\(index)].parameters.classification", "\(classification)")
        }
        guard !isShared else {
            throw .field("outputs[\(index)].parameters.shared_memory_region", "shared memory is not served")
        }
        return Int(classification)
    }
}
