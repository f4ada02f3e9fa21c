import Foundation
import ModelImage
import ModelTypes
import Scoring

/// An image in memory of its own, read-only and between pages that nobody may touch: a kernel that leaves it dies.
final class LoadedImage {
    private static let pageBytes = 4096
    private let mapping: UnsafeMutableRawPointer
    private let mappedBytes: Int
    let view: ModelImageView
    let scorer: Scorer
    private let scratch = ScoringScratch()

    convenience init(_ model: ModelDescription, kernels: KernelSet = .avx512) throws {
        try self.init(
            image: ImageCompiler.compile(model, artifactDigest: Array(repeating: 7, count: 32)),
            kernels: kernels)
    }

    init(image: [UInt8], kernels: KernelSet = .avx512) throws {
        // The image ends where the page behind it begins.
        let pageCount = (image.count + Self.pageBytes - 1) / Self.pageBytes
        mappedBytes = (pageCount + 2) * Self.pageBytes
        let memory = mmap(nil, mappedBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        let base = memory!
        mapping = base
        let start = Self.pageBytes + pageCount * Self.pageBytes - image.count
        image.withUnsafeBytes {
            UnsafeMutableRawBufferPointer(start: base + start, count: image.count).copyBytes(from: $0)
        }
        mprotect(mapping, mappedBytes, PROT_NONE)
        mprotect(mapping + Self.pageBytes, pageCount * Self.pageBytes, PROT_READ)
        do {
            view = try ModelImageView(validating: UnsafeRawBufferPointer(start: mapping + start, count: image.count))
        } catch {
            munmap(mapping, mappedBytes)
            throw error
        }
        scorer = Scorer(view, kernels: kernels)
    }

    deinit { munmap(mapping, mappedBytes) }

    func margins(_ rows: [Float], rowCount: Int) -> [Double] {
        var result = [Double](repeating: .nan, count: rowCount * scorer.marginCount)
        var span = result.mutableSpan
        scorer.margins(rows.span, rowCount: rowCount, into: &span, scratch: scratch)
        return result
    }

    func margins(_ rows: [Double], rowCount: Int) -> [Double] {
        var result = [Double](repeating: .nan, count: rowCount * scorer.marginCount)
        var span = result.mutableSpan
        scorer.margins(rows.span, rowCount: rowCount, into: &span, scratch: scratch)
        return result
    }

    func predictions(_ rows: [Float], rowCount: Int) -> [Double] {
        var result = [Double](repeating: .nan, count: rowCount * scorer.outputCount)
        var span = result.mutableSpan
        scorer.predict(rows.span, rowCount: rowCount, into: &span, scratch: scratch)
        return result
    }

    func predictions(_ rows: [Double], rowCount: Int) -> [Double] {
        var result = [Double](repeating: .nan, count: rowCount * scorer.outputCount)
        var span = result.mutableSpan
        scorer.predict(rows.span, rowCount: rowCount, into: &span, scratch: scratch)
        return result
    }
}
