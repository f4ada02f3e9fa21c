import Foundation
import S3Types
import S3Wire
import Testing

/// An operation of S3 as the SDK's model has it.
struct ModelOperation {
    let name: String
    let method: String
    let level: String
    /// The parameters of its address, as they stand there.
    let marks: [String]
    let required: [String]
    let optional: [String]
    let headers: [String]

    /// The parameters that make it another operation than a plain one.
    var subresources: [String] { marks.filter { !$0.contains("=") } }

    /// A request for it.
    var target: String {
        let path = level == "service" ? "/" : level == "bucket" ? "/models" : level == "object" ? "/models/k" : level
        let query = marks + required.map { $0 + "=1" }
        return query.isEmpty ? path : path + "?" + query.joined(separator: "&")
    }

    static func lines(_ file: String) throws -> [[String]] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "../../Data/Vectors/S3Operations")
        return try String(contentsOf: folder.appending(path: file), encoding: .utf8)
            .split(separator: "\n").map { line in
                line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            }
    }

    static func all() throws -> [ModelOperation] {
        let operations = try lines("operations.tsv").map { fields in
            let lists = fields[3...].map { $0.split(separator: " ").map(String.init) }
            return ModelOperation(
                name: fields[0], method: fields[1], level: fields[2], marks: lists[0], required: lists[1],
                optional: lists[2], headers: lists[3])
        }
        try #require(operations.count > 100)
        return operations
    }
}
