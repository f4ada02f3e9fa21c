package import Digests
import DurableFiles
import Glibc
import Names

extension ModelCache {
    /// Where the mark of an artifact stands.
    package func markPath(_ digest: ContentDigest) -> String { markDirectory + "/\(digest).mark" }

    /// Writes a mark in place of the one before; it is durable when this returns.
    package func mark(_ mark: PreparationMark) throws(ModelCacheError) {
        let bytes = mark.encoded
        do throws(FileError) {
            // Made when it is first needed: a cache of before has none, and a full disk must not keep a sidecar from starting.
            try disk.makeDirectory(markDirectory, mode: 0o700)
            try unsafe disk.replace(markPath(mark.artifactDigest), with: bytes.span.bytes)
        } catch {
            throw .file(error)
        }
    }

    /// Removes a mark; one that is not there is no error.
    ///
    /// It is not synced: what a power cut brings back is of another boot.
    package func unmark(_ digest: ContentDigest) throws(ModelCacheError) {
        do throws(FileError) { try disk.remove(markPath(digest)) } catch { throw .file(error) }
    }

    /// Every mark there is. A damaged one is dropped and named: its artifact is tried once more, and marked anew.
    package func marks() throws(ModelCacheError) -> (marks: [PreparationMark], damaged: [String]) {
        do throws(FileError) {
            var marks: [PreparationMark] = []
            var damaged: [String] = []
            let names: [String]
            do throws(FileError) {
                names = try disk.list(markDirectory)
            } catch {
                if error.code == ENOENT { return ([], []) }
                throw error
            }
            for name in names {
                let path = markDirectory + "/" + name
                if name.hasByteSuffix(".new") {
                    // Its preparation had not begun.
                    try disk.remove(path)
                    continue
                }
                let parts = name.pieces(at: ".")
                guard parts.count == 2, parts[1].hasSameBytes(as: "mark"),
                    let digest = ContentDigest(hexadecimal: parts[0])
                else {
                    continue
                }
                let bytes = try disk.read(path, limitBytes: 1 << 20)
                if let mark = PreparationMark(encoded: bytes), mark.artifactDigest == digest {
                    marks.append(mark)
                } else {
                    try disk.remove(path)
                    damaged.append(path)
                }
            }
            return (marks, damaged)
        } catch {
            throw .file(error)
        }
    }

    private var markDirectory: String { directory + "/preparing" }
}
