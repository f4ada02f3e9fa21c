import ModelImage
import ModelTypes
import Scoring

/// An image in memory of its own, ready to score.
final class LoadedImage {
    private let bytes: UnsafeMutableRawBufferPointer
    let view: ModelImageView
    let scorer: Scorer
    private let scratch = ScoringScratch()

    convenience init(_ model: ModelDescription, isVectorized: Bool = true) throws {
        try self.init(
            image: ImageCompiler.compile(model, artifactDigest: Array(repeating: 7, count: 32)),
            isVectorized: isVectorized)
    }

    init(image: [UInt8], isVectorized: Bool = true) throws {
        bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: image.count, alignment: 64)
        bytes.copyBytes(from: image)
        do { view = try ModelImageView(validating: UnsafeRawBufferPointer(bytes)) } catch {
            bytes.deallocate()
            throw error
        }
        scorer = Scorer(view, isVectorized: isVectorized)
    }

    deinit { bytes.deallocate() }

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
