import Names
import S3Types

/// How a key names a model, relative to the configured prefix:
/// `<model>/<artifact>` overwritten in place, or `<model>/<version>/<artifact>`, of which the newest counts.
///
/// An artifact is a bundle (`model.tar.gz`, `.tgz`, `.tar`, `.tar.zst`, `.zip`) or a single model file (`xgboost-model`,
/// `model.txt`, `.json`, `.ubj`, `.pkl`, `.bin`, `.model`, `.cbm`, `.libfm`, `.onnx`). Any other key is no artifact, and none of the sidecar's business.
struct ArtifactKey: Equatable, Sendable {
    let model: Name
    let isBundle: Bool

    private static let bundleSuffixes = [".tar.gz", ".tgz", ".tar", ".tar.zst", ".zip"]
    private static let fileSuffixes = [".json", ".ubj", ".pkl", ".bin", ".model", ".cbm", ".libfm", ".onnx"]
    private static let fileNames = ["xgboost-model", "model.txt"]
    /// Files of the control plane, which lie beside artifacts, and what a bundle holds beside its model.
    private static let reservedNames = ["live.json", "manifest.json", Bundle.encodersName]
    private static let modelLimitBytes = 255

    /// Nil when the key names no artifact.
    init?(_ key: ObjectKey, prefix: String) {
        guard key.text.utf8.starts(with: prefix.utf8) else { return nil }
        let relative = String(decoding: key.text.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
        let parts = relative.pieces(at: "/")
        guard (2...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }), let name = parts.last,
            parts[0].utf8.count <= Self.modelLimitBytes
        else { return nil }
        self.model = Name(parts[0])
        if Self.bundleSuffixes.contains(where: { name.hasByteSuffix($0) && name.utf8.count > $0.utf8.count }) {
            self.isBundle = true
        } else if Self.isModelFile(name) {
            self.isBundle = false
        } else {
            return nil
        }
    }

    /// Whether a file of this name is a model, in a bucket or in a bundle.
    static func isModelFile(_ name: some StringProtocol) -> Bool {
        if reservedNames.contains(where: name.hasSameBytes(as:)) { return false }
        return fileNames.contains(where: name.hasSameBytes(as:))
            || fileSuffixes.contains { name.hasByteSuffix($0) && name.utf8.count > $0.utf8.count }
    }
}
