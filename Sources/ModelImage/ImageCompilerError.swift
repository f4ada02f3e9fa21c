/// Why a description does not become an image: it is beyond what the layout can address.
package enum ImageCompilerError: Error, Hashable, Sendable {
    /// The digest has not 32 bytes.
    case digest(byteCount: Int)
    /// Thresholds, features and nodes together need more than the 64 bits of a node's word.
    case nodesTooWide(greatestChild: Int, greatestSlot: Int, greatestRank: Int)
    /// Texts of a feature's encoder, or of the names (-1), that no table of a bearable size keeps apart.
    case textsCollide(feature: Int)
    /// A class label of so many bytes, more than ``ImageCompiler/labelLimitBytes``.
    case labelTooLong(byteCount: Int)
    /// More of something than 32 bits count: of what.
    case tooLarge(String)
    /// An encoder for a feature whose texts are the model's own categories.
    case encodedCategories(feature: Int)
    /// Hashes of a projection that no table of a bearable size keeps apart.
    case hashesCollide(projection: Int)
}
