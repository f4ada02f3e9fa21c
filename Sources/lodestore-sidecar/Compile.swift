import ArgumentParser
import DurableFiles
import Launch
import ModelSync

/// `lodestore-sidecar compile`: an image out of an artifact, without store or executor.
struct Compile: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compiles a model or a bundle into an image, and asks it the bundle's golden requests.")

    @Argument(help: ArgumentHelp("The model file, or an archive with one.", valueName: "file"))
    var file: String

    @Option(name: [.short, .long], help: ArgumentHelp("Where the image goes.", valueName: "image"))
    var output: String

    @Option(
        help: ArgumentHelp(
            "ONNX Runtime's libonnxruntime.so, to run ONNX graphs that are not translated; without it such models are refused.",
            valueName: "path"))
    var onnxRuntime: String?

    func run() async throws {
        try await ProgramRun.reporting(program: "lodestore-sidecar") {
            let runtime = try GraphLibrary.opened(onnxRuntime)
            let disk = SystemDisk()
            let artifact = try disk.read(file, limitBytes: 4 << 30)
            let image = try OfflineCompiler.image(of: artifact, runtime: runtime)
            try unsafe disk.replace(output, with: image.span.bytes, mode: 0o644)
            try StandardOutput.printLine("compiled \(file): \(artifact.count) bytes into \(image.count)")
        }
    }
}
