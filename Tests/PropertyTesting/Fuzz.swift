import Foundation

/// Feeds a parser changed copies of sound inputs for a bounded time.
///
/// The time is LODESTORE_FUZZ_SECONDS, else two seconds. The inputs depend on the printed seed alone and not on the time, so that
/// LODESTORE_TEST_SEED with a longer time comes to the same crash again.
package enum Fuzz {
    private static let seconds =
        ProcessInfo.processInfo.environment["LODESTORE_FUZZ_SECONDS"].flatMap { Double($0) } ?? 2

    /// For the time limit of a suite that fuzzes: what one test is asked for, and three minutes.
    package static let limitMinutes = 3 + Int(min(max(seconds, 0), 1e9)) / 60

    /// - Parameters:
    ///   - corpus: Sound inputs, at least one.
    ///   - body: Parses one input; refuses it by whatever error it declares, and must neither crash nor run away.
    /// - Returns: how many inputs were tried, at least one for each of the corpus.
    @discardableResult
    package static func run(
        _ name: String = #function, corpus: [[UInt8]], body: ([UInt8]) throws -> Void
    ) rethrows -> Int {
        precondition(!corpus.isEmpty, "changes need something to change")
        var random = SeededGenerator.printed(name)
        // A crash takes what is still buffered with it.
        fflush(nil)
        let end = ContinuousClock.now.advanced(by: .seconds(seconds))
        var count = 0
        while count < corpus.count || ContinuousClock.now < end {
            try body(changed(corpus[count % corpus.count], among: corpus, using: &random))
            count += 1
        }
        return count
    }

    /// A copy with one to eight changes: bytes, bits, cuts, repeats, runs of one value, pieces of other inputs.
    package static func changed(
        _ input: [UInt8], among corpus: [[UInt8]] = [], using random: inout SeededGenerator
    ) -> [UInt8] {
        var bytes = input
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            guard !bytes.isEmpty else { return [UInt8.random(in: 0...255, using: &random)] }
            let index = Int.random(in: 0..<bytes.count, using: &random)
            let end = min(bytes.count, index + Int.random(in: 1...40, using: &random))
            switch Int.random(in: 0..<8, using: &random) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes[index] ^= 1 << UInt8.random(in: 0...7, using: &random)
            case 2: bytes.removeSubrange(index..<end)
            case 3: bytes.insert(contentsOf: bytes[index..<end], at: index)
            case 4:
                for position in index..<end {
                    bytes[position] = [0x00, 0x7F, 0x80, 0xFF].randomElement(using: &random)!
                }
            case 5: bytes.removeLast(bytes.count - index)
            case 6: bytes.replaceSubrange(index..<end, with: "\(Int64.random(in: .min ... .max, using: &random))".utf8)
            default:
                guard let other = corpus.randomElement(using: &random), !other.isEmpty else { continue }
                let start = Int.random(in: 0..<other.count, using: &random)
                bytes.insert(contentsOf: other[start..<min(other.count, start + 40)], at: index)
            }
        }
        return bytes
    }
}
