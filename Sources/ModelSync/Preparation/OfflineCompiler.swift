import ArchiveKit
import Digests
import ModelFormat
import ModelImage
package import ModelTypes

/// An image out of an artifact, checked as a sidecar checks it, without cache or executor.
package enum OfflineCompiler {
    /// - Parameters:
    ///   - artifact: a model file or an archive with one, told by the bytes.
    ///   - runtime: runs graphs that are not translated; without it they are refused.
    /// - Throws: what is wrong with it, in words for the operator.
    package static func image(of artifact: [UInt8], runtime: (any GraphRuntime)? = nil) throws -> [UInt8] {
        guard !artifact.isEmpty else { throw PreparationError.emptyArtifact }
        let bundle = try bundle(artifact)
        let digest = unsafe ContentDigest(of: artifact.span.bytes)
        let image = try Preparation.compile(bundle, artifactDigest: digest, allowsRuntime: runtime != nil)
        let failure = unsafe image.withUnsafeBytes { bytes -> PreparationError? in
            do throws(PreparationError) {
                try unsafe Preparation.check(bytes, golden: bundle.golden, runtime: runtime)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
        return image
    }

    private static func bundle(_ artifact: [UInt8]) throws -> Bundle {
        let members: [ArchiveMember]
        do throws(ArchiveError) {
            members = try Bundle.members(of: artifact, limits: ArchiveLimits())
        } catch .notAnArchive {
            return Bundle(file: artifact)
        }
        return try Bundle(members: members)
    }
}
