import ArgumentParser

@main
struct SidecarCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lodestore-sidecar",
        abstract: "Watches a bucket and hands its models, compiled and checked, to executors.",
        subcommands: [Run.self, Compile.self, Status.self])
}
