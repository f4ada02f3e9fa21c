import DurableFiles
import Glibc
import ModelImage

/// An image read from a file into memory of its own.
///
/// Not mapped: somebody may write to the file meanwhile, and what is validated must stay as it is.
@safe struct ImageFile: ~Copyable {
    // Images are laid out for 64-byte lines, which an array does not promise.
    private let bytes: UnsafeMutableRawBufferPointer
    private let path: String

    private static let limitBytes = 4 << 30

    /// - Throws: `FileError`, with `EFBIG` beyond 4 GiB.
    init(_ path: String) throws(FileError) {
        let file = try InputFile(path)
        let size = file.byteCount ?? 0
        guard size <= Self.limitBytes else { throw FileError(.read, path, code: EFBIG) }
        let space = UnsafeMutableRawBufferPointer.allocate(byteCount: max(size, 1), alignment: 4096)
        var count = 0
        do throws(FileError) {
            while count < size {
                let piece = try unsafe file.read(into: UnsafeMutableRawBufferPointer(rebasing: space[count..<size]))
                if piece == 0 { break }
                count += piece
            }
        } catch {
            unsafe space.deallocate()
            throw error
        }
        unsafe bytes = UnsafeMutableRawBufferPointer(rebasing: space[..<count])
        self.path = path
    }

    deinit { unsafe bytes.baseAddress?.deallocate() }

    /// Lends the image for the length of the call.
    ///
    /// - Throws: ``ScoreError/notAnImage(path:cause:)``, or what `body` throws.
    func withView(_ body: (ModelImageView) throws -> Void) throws {
        let view: ModelImageView
        do throws(ModelImageError) {
            view = try unsafe ModelImageView(validating: UnsafeRawBufferPointer(bytes))
        } catch {
            throw ScoreError.notAnImage(path: path, cause: error)
        }
        try body(view)
    }
}
