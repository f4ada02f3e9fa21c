import ArchiveKit
import Names

/// What an artifact holds once it is unpacked: one model file, and perhaps its feature encoders and golden requests.
struct Bundle {
    static let goldenName = "golden.csv"
    static let encodersName = "encoders.json"
    static let encodersLimitBytes: UInt64 = 256 << 20

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

    /// Unpacks an archive; of what has no effect nothing is kept.
    static func members(of archive: [UInt8], limits: ArchiveLimits) throws(ArchiveError) -> [ArchiveMember] {
        try Archive.unpack(archive, limits: limits) { BundleRole(path: $0).keptBytes }
    }

    /// Chooses among the members of an archive: `xgboost-model`, with or without an ending, wherever it lies; else the only
    /// file that is named like a model.
    ///
    /// Encoders and golden requests lie beside the model or at the archive's root: the folder in which everything is.
    ///
    /// - Throws: ``PreparationError/bundle(_:)`` when there is no model, or more than one to choose from, and for each file
    ///   that is neither used nor known to have no effect.
    init(members: [ArchiveMember]) throws(PreparationError) {
        let roles = members.map { BundleRole(path: $0.path) }
        for (member, role) in zip(members, roles) {
            if case .unknown(let why) = role { throw .bundle("the archive holds \(member.path): \(why)") }
        }
        func those(_ role: BundleRole) -> [ArchiveMember] { zip(members, roles).filter { $0.1 == role }.map(\.0) }
        let candidates = those(.model)
        let named = candidates.filter { Self.name($0.path).hasBytePrefix("xgboost-model") }
        let chosen = named.isEmpty ? candidates : named
        guard let model = chosen.first else { throw .bundle("the archive holds no model file") }
        guard chosen.count == 1 else {
            let paths = chosen.prefix(3).map(\.path).joined(separator: ", ")
            throw .bundle("the archive holds \(chosen.count) model files: \(paths)")
        }
        // Beside a model that is named so, JSON is metrics and parameters; another model file would be one that is not asked.
        if let other = candidates.first(where: {
            !$0.path.hasSameBytes(as: model.path)
                && (!$0.path.hasByteSuffix(".json") || BundleRole.isNearMiss($0.path))
        }) {
            throw .bundle("the archive holds \(other.path) beside \(model.path), and it would be passed over")
        }
        let root = Self.commonFolder(zip(members, roles).filter { $0.1 != .noEffect }.map(\.0.path))
        let places = [root, Self.folder(model.path)]
        self.modelPath = model.path
        self.model = model.bytes
        self.encoders = try Self.only(those(.encoders), places)
        self.golden = try Self.only(those(.golden), places)
    }

    /// The one file of a role, in a place where it is used.
    private static func only(
        _ members: [ArchiveMember], _ places: [[[UInt8]]]
    ) throws(PreparationError) -> [UInt8]? {
        if let stray = members.first(where: { member in !places.contains(folder(member.path)) }) {
            throw .bundle("the archive holds \(stray.path), which is neither at its root nor beside the model")
        }
        guard members.count <= 1 else {
            throw .bundle("the archive holds \(members.map(\.path).joined(separator: " and ")): one of them, please")
        }
        return members.first?.bytes
    }

    // MARK: Paths

    private static func name(_ path: String) -> Substring {
        path.pieces(at: "/").last { !$0.isEmpty } ?? ""
    }

    private static func folder(_ path: String) -> [[UInt8]] {
        path.pieces(at: "/").filter { !$0.isEmpty }.dropLast().map { Array($0.utf8) }
    }

    private static func commonFolder(_ paths: [String]) -> [[UInt8]] {
        guard var common = paths.first.map(folder) else { return [] }
        for path in paths.dropFirst() {
            let length = zip(common, folder(path)).prefix { $0 == $1 }.count
            common.removeLast(common.count - length)
        }
        return common
    }
}
