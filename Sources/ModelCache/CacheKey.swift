package import Digests
import Names

/// What a file of the cache holds. The same artifact compiled for another image version or layout is another file.
package enum CacheKey: Hashable, Sendable, CustomStringConvertible {
    /// An artifact as it lay in the bucket.
    case artifact(ContentDigest)
    /// The image compiled from an artifact.
    ///
    /// `layout` names how the compiler lays the image out, and the processor features it lays it out for: letters, digits
    /// and hyphens.
    case image(of: ContentDigest, version: UInt16, layout: String)

    package var artifactDigest: ContentDigest {
        switch self {
        case .artifact(let digest), .image(let digest, _, _): digest
        }
    }

    package var description: String { fileName }

    var fileName: String {
        switch self {
        case .artifact(let digest): "\(digest).artifact"
        case .image(let digest, let version, let layout): "\(digest).\(version).\(layout).image"
        }
    }

    /// The key that a file's name stands for, or nil when it stands for none.
    init?(fileName: String) {
        let parts = fileName.pieces(at: ".")
        guard let first = parts.first, let digest = ContentDigest(hexadecimal: first) else { return nil }
        if parts.count == 2, Name(parts[1]) == "artifact" {
            self = .artifact(digest)
        } else if parts.count == 4, Name(parts[3]) == "image", let version = UInt16(parts[1]), Self.isLayout(parts[2]) {
            self = .image(of: digest, version: version, layout: String(parts[2]))
        } else {
            return nil
        }
    }

    var kind: UInt32 {
        switch self {
        case .artifact: 1
        case .image: 2
        }
    }

    static func isLayout(_ text: some StringProtocol) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
