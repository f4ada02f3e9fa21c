import ArchiveKit
import Names

/// What an artifact holds once it is unpacked: one model file, and perhaps its feature encoders and golden requests.
struct Bundle {
    static let goldenName = "golden.csv"
    static let encodersName = "encoders.json"

    let modelPath: String
    let model: [UInt8]
    let encoders: [UInt8]?
    let golden: [UInt8]?

    /// A single model file, as it is.
    init(file bytes: [UInt8]) {
        self.modelPath = ""
        self.model = bytes
        self.encoders = nil
        self.golden = nil
    }

    /// Chooses among the members of an archive: `xgboost-model`, with or without an ending, wherever it lies; else the only
    /// file that is named like a model. Files of other kinds, such as inference code, are passed over.
    ///
    /// - Throws: ``PreparationError/bundle(_:)`` when there is none, or more than one to choose from.
    init(members: [ArchiveMember]) throws(PreparationError) {
        let candidates = members.filter { ArtifactKey.isModelFile(Self.name($0.path)) }
        let named = candidates.filter { Self.name($0.path).hasBytePrefix("xgboost-model") }
        let chosen = named.isEmpty ? candidates : named
        guard let model = chosen.first else { throw .bundle("the archive holds no model file") }
        guard chosen.count == 1 else {
            let paths = chosen.prefix(3).map(\.path).joined(separator: ", ")
            throw .bundle("the archive holds \(chosen.count) model files: \(paths)")
        }
        self.modelPath = model.path
        self.model = model.bytes
        self.encoders = members.first { $0.path.hasSameBytes(as: Self.encodersName) }?.bytes
        self.golden = members.first { $0.path.hasSameBytes(as: Self.goldenName) }?.bytes
    }

    private static func name(_ path: String) -> Substring {
        path.pieces(at: "/").last { !$0.isEmpty } ?? ""
    }
}
