import Names

/// What a file of an archive is for, told by its path alone: the table of `Docs/Formats/bundle.md`.
///
/// A name that means something is never passed over: what has no effect is listed, and all else is refused by name.
enum BundleRole: Equatable {
    /// A model, or one of several to choose from.
    case model
    case encoders
    case golden
    /// Known to change no prediction.
    case noEffect
    /// Nothing that is known here; why, in words.
    case unknown(String)

    init(path: String) {
        let pieces = path.pieces(at: "/").filter { !$0.isEmpty }
        let folders = pieces.map { Self.lowered($0) }
        let name = pieces.last ?? ""
        let lowered = folders.last ?? ""
        if Self.isResourceFork(folders, lowered) {
            self = .noEffect
        } else if lowered.hasSameBytes(as: Bundle.encodersName) {
            self = .encoders
        } else if lowered.hasSameBytes(as: Bundle.goldenName) {
            self = .golden
        } else if folders.dropLast().contains(where: { $0.hasSameBytes(as: "code") })
            || Self.hasEnding(lowered, of: Self.programEndings)
        {
            self = .noEffect
        } else if ArtifactKey.isModelFile(name) {
            self = .model
        } else if ArtifactKey.isModelFile(lowered) {
            self = .unknown("names of models are in lower case")
        } else if Self.isNearMiss(path) {
            self = .unknown("only encoders.json and golden.csv are used")
        } else if lowered.hasBytePrefix(".") || Self.documentNames.contains(where: { Self.isNamed(lowered, $0) })
            || Self.hasEnding(lowered, of: Self.documentEndings)
        {
            self = .noEffect
        } else {
            self = .unknown("it is nothing that is known here")
        }
    }

    /// How many bytes of such a file may be kept; nil where none are needed.
    var keptBytes: UInt64? {
        switch self {
        case .model: .max
        case .encoders: Bundle.encodersLimitBytes
        case .golden: GoldenRequests.limitBytes
        case .noEffect, .unknown: nil
        }
    }

    /// Whether a name speaks of encoders or golden requests without being theirs.
    static func isNearMiss(_ path: String) -> Bool {
        let name = Array(lowered(path.pieces(at: "/").last { !$0.isEmpty } ?? "").utf8)
        return ["golden", "encoder"].contains { word in
            let word = Array(word.utf8)
            guard name.count >= word.count else { return false }
            return (0...name.count - word.count).contains { name[$0..<$0 + word.count].elementsEqual(word) }
        }
    }

    // MARK: The lists, in lower case

    private static let programEndings = [".py", ".pyc", ".ipynb", ".sh", ".r"]
    private static let documentEndings = [
        ".md", ".rst", ".txt", ".html", ".pdf", ".png", ".jpg", ".jpeg", ".svg", ".csv", ".tsv", ".log", ".yaml",
        ".yml",
        ".toml", ".cfg", ".ini", ".lock", ".sha256", ".md5",
    ]
    /// With or without an ending. `live.json` and `manifest.json` belong to a bucket's control plane.
    private static let documentNames = [
        "readme", "license", "licence", "copying", "notice", "authors", "changelog", "version", "dockerfile",
        "makefile",
        "mlmodel", "pipfile", "live.json", "manifest.json",
    ]

    // MARK: Names

    /// What macOS's tar and zip add for each file: its resource fork.
    private static func isResourceFork(_ folders: [String], _ lowered: String) -> Bool {
        lowered.hasBytePrefix("._") || folders.contains { $0.hasSameBytes(as: "__macosx") }
    }

    private static func hasEnding(_ lowered: String, of endings: [String]) -> Bool {
        endings.contains { ending in
            lowered.utf8.count > ending.utf8.count && ending.utf8.elementsEqual(lowered.utf8.suffix(ending.utf8.count))
        }
    }

    private static func isNamed(_ lowered: String, _ name: String) -> Bool {
        let rest = lowered.utf8.dropFirst(name.utf8.count)
        return lowered.utf8.starts(with: name.utf8) && (rest.isEmpty || rest.first == UInt8(ascii: "."))
    }

    /// ASCII letters in lower case and all other bytes as they are: U+212A is no `k`.
    private static func lowered(_ name: Substring) -> String {
        String(
            decoding: name.utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 },
            as: UTF8.self)
    }
}
