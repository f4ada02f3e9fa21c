import ArgumentParser

@main
struct Lodestore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lodestore",
        abstract: "Stores model artifacts, durably, for every client of S3.",
        subcommands: [Serve.self, Check.self, SalvageCommand.self])
}
