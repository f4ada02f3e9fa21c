// Times this project's scorer as `score_peers.c` times the others: batches of rows that are new to each call.
//
// usage: score-driver FILE ROWS FEATURES SECONDS OUTPUTS|- BATCH...
//
// FILE is an image, or a model file, which is then compiled here. ROWS holds float32 features, row by row, NaN for missing. Prints
// a line of CSV for each batch size: batch, median, 99th percentile and mean (ns a row), calls. OUTPUTS receives the predictions of
// the first rows as float64. The environment may ask for LODESTORE_SCORE_DOUBLE=1 (rows handed over as float64),
// LODESTORE_SCORE_KERNELS=portable or avx2 (the best otherwise) and
// LODESTORE_SCORE_MARGINS=1 (margins instead of predictions).

import Glibc
import ModelFormat
import ModelImage
import Scoring

func die(_ message: String) -> Never {
    put("score-driver: \(message)\n", 2)
    exit(1)
}

/// Writes text to a descriptor: C's streams are shared mutable state.
func put(_ text: String, _ descriptor: Int32) {
    let bytes = Array(text.utf8)
    _ = write(descriptor, bytes, bytes.count)
}

func contents(_ path: String) -> [UInt8] {
    guard let file = fopen(path, "rb") else { die("cannot open \(path)") }
    defer { fclose(file) }
    fseek(file, 0, SEEK_END)
    let count = ftell(file)
    rewind(file)
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        filled = fread(buffer.baseAddress, 1, count, file)
    }
}

func isAsked(_ name: String) -> Bool { getenv(name).map { String(cString: $0) == "1" } ?? false }

let arguments = CommandLine.arguments
guard arguments.count >= 6, let featureCount = Int(arguments[3]), let seconds = Double(arguments[4]) else {
    die("usage: score-driver FILE ROWS FEATURES SECONDS OUTPUTS|- BATCH...")
}
var image = contents(arguments[1])
if !image.starts(with: "LDSIMAGE".utf8) {
    do {
        let model = try ModelParser.parse(image.span)
        image = try ImageCompiler.compile(model, artifactDigest: [UInt8](repeating: 0, count: 32))
    } catch { die("\(error)") }
}
let data = contents(arguments[2])
let poolCount = data.count / 4 / featureCount
let pool = data.withUnsafeBytes { Array($0.assumingMemoryBound(to: Float.self).prefix(poolCount * featureCount)) }
// The image lies at the start of a page, as a mapping does.
let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: image.count, alignment: 4096)
memory.copyBytes(from: image)
guard let view = try? ModelImageView(validating: UnsafeRawBufferPointer(memory)) else { die("image refused") }
let kernels: KernelSet =
    switch getenv("LODESTORE_SCORE_KERNELS").map({ String(cString: $0) }) {
    case "portable": .portable
    case "avx2": .avx2
    default: .avx512
    }
let scorer = Scorer(view, kernels: kernels)
guard scorer.featureCount == featureCount else { die("the image wants \(scorer.featureCount) features") }
var bench = Stopwatch(scorer: scorer, pool: pool, poolCount: poolCount)
for batch in arguments.dropFirst(6).compactMap({ Int($0) }) {
    let result = bench.run(batch: batch, seconds: seconds)
    put("\(batch),\(result.median),\(result.p99),\(result.mean),\(result.callCount)\n", 1)
}
if arguments[5] != "-" { bench.writeOutputs(to: arguments[5]) }
