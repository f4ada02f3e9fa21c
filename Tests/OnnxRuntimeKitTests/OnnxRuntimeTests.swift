import Foundation
import OnnxRuntimeKit
import Testing

/// A library that is none is refused by what is wrong with it.
@Suite(.timeLimit(.minutes(3))) struct OnnxRuntimeTests {
    private func refusal(_ path: String) -> OnnxRuntimeError? {
        do throws(OnnxRuntimeError) {
            _ = try OnnxRuntime(path: path)
            return nil
        } catch { return error }
    }

    @Test func aPathToNothingIsRefused() {
        guard case .noLibrary(let reason) = refusal("/nowhere/libonnxruntime.so") else {
            Issue.record("another error")
            return
        }
        #expect(reason.contains("/nowhere/libonnxruntime.so") && reason.contains("No such file"))
    }

    @Test func aFileThatIsNoLibraryIsRefused() {
        guard case .noLibrary(let reason) = refusal(#filePath) else {
            Issue.record("another error")
            return
        }
        #expect(reason.contains("invalid ELF header"))
    }

    /// Names without a slash are files of the working directory and are not looked for elsewhere.
    @Test func aNameIsNotLookedForAmongTheSystemsLibraries() {
        guard case .noLibrary(let reason) = refusal("libm.so.6") else {
            Issue.record("another error")
            return
        }
        #expect(reason.contains("./libm.so.6"))
    }

    @Test func anotherLibraryIsRefused() throws {
        let candidates = ["/lib/x86_64-linux-gnu/libm.so.6", "/usr/lib64/libm.so.6", "/lib64/libm.so.6"]
        let path = try #require(candidates.first { FileManager.default.fileExists(atPath: $0) })
        #expect(refusal(path) == .noEntry)
    }

    @Test(.enabled(if: libraryPath != nil, withoutLibrary)) func theLibrarySaysItsVersion() throws {
        #expect(try runtime().version.split(separator: ".").count == 3)
    }
}
