import Foundation

/// A file of `Data/Vectors/Models`.
func modelVector(_ path: String) throws -> [UInt8] {
    let folder = (#filePath as NSString).deletingLastPathComponent + "/../../Data/Vectors/Models/"
    return Array(try Data(contentsOf: URL(fileURLWithPath: folder + path)))
}
