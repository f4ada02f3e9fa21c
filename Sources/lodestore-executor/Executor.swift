import ArgumentParser

@main
struct Executor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lodestore-executor",
        abstract: "Answers predictions in microseconds and swaps models without a pause.",
        subcommands: [Serve.self, Score.self, Bench.self])
}
