/// The server as its metadata tells it.
package enum OpenInferenceServer {
    package static let name = "lodestore"
    /// There is no release yet.
    static let version = "unreleased"
    /// What is served of the protocol's extensions.
    static let extensions = [
        "binary_tensor_data", "classification", "model_configuration", "model_repository", "statistics",
    ]
}
