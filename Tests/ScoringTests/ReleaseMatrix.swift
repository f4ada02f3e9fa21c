import Foundation
import JSONReader

/// `Data/Vectors/Releases`: models of every release of a library, with what that release answers for the same few rows.
struct ReleaseMatrix {
    /// One model in one form of file.
    struct File {
        /// Its place in the archive: `xgboost-3.4.1/dart-reg-squarederror/model.json`.
        let path: String
        let bytes: [UInt8]
        let answers: Answers
        /// Whether the release refuses to read back what it wrote.
        let isUnread: Bool
    }

    struct Answers {
        let margins: [Double]
        let predictions: [Double]
    }

    private static let texts = (try? unpacked()) ?? [:]

    /// Every release, as `library-version`.
    static let releases = Set(texts.keys.map { String($0.prefix { $0 != "/" }) }).sorted()

    let release: String
    let rows: [[String]]
    /// By their paths.
    let files: [File]

    init(release: String) throws {
        self.release = release
        func text(_ path: String) throws -> String {
            guard let data = Self.texts[path] else { throw CocoaError(.fileNoSuchFile) }
            return String(decoding: data, as: UTF8.self)
        }
        rows = try text(release + "/rows.csv").split(separator: "\n").map { line in
            line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        files = try Self.texts.keys.filter { $0.hasPrefix(release + "/") && $0.contains("/model.") }.sorted()
            .filter { !$0.hasSuffix(".unread") && !$0.hasSuffix(".csv") }
            .map { path in
                let parts = path.split(separator: "/")
                let own = "\(parts[0])/\(parts[1])/answers.\(parts[2]).csv"
                let answers = Self.texts[own] == nil ? "\(parts[0])/\(parts[1])/answers.csv" : own
                return File(
                    path: path, bytes: Array(Self.texts[path] ?? Data()), answers: try Answers(csv: text(answers)),
                    isUnread: Self.texts[path + ".unread"] != nil)
            }
    }

    /// All files of the archives by their paths, read once.
    private static func unpacked() throws -> [String: Data] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "releases-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var files: [String: Data] = [:]
        for library in ["catboost", "lightgbm", "xgboost"] {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/tar")
            process.arguments = [
                "--extract", "--xz", "--directory", folder.path, "--file",
                dataFolder + "/Vectors/Releases/\(library).tar.xz",
            ]
            try process.run()
            process.waitUntilExit()
            guard process.terminationStatus == 0 else { throw CocoaError(.fileReadCorruptFile) }
        }
        for path in try FileManager.default.subpathsOfDirectory(atPath: folder.path) where path.contains(".") {
            let file = folder.appending(path: path)
            if (try file.resourceValues(forKeys: [.isRegularFileKey])).isRegularFile == true {
                files[path] = try Data(contentsOf: file)
            }
        }
        return files
    }
}

extension ReleaseMatrix.Answers {
    /// Columns `margin`, then `prediction`.
    init(csv: String) throws {
        let lines = csv.split(separator: "\n")
        let marginCount = lines[0].split(separator: ",").count { $0 == "margin" }
        var (margins, predictions): ([Double], [Double]) = ([], [])
        for line in lines.dropFirst() {
            for (column, field) in line.split(separator: ",").enumerated() {
                guard let number = Double(field) else { throw CocoaError(.fileReadCorruptFile) }
                if column < marginCount { margins.append(number) } else { predictions.append(number) }
            }
        }
        (self.margins, self.predictions) = (margins, predictions)
    }
}
