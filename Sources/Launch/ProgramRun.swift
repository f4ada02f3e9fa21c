package import ArgumentParser
import DurableFiles
import Glibc
package import Logging
package import ServiceLifecycle
import Telemetry
import UnixSignals

/// What every program does alike: start logging, print one line when ready, and leave with a code that says why.
package enum ProgramRun {
    /// 0 after a clean stop; 64 (wrong usage) comes from the argument parser; 74 output that cannot be written; 78 wrong
    /// configuration; 1 anything else.
    ///
    /// Source: sysexits.h, EX_USAGE, EX_IOERR and EX_CONFIG.
    package static let wrongConfiguration = ExitCode(78)
    package static let lostOutput = ExitCode(74)

    /// Sends all logging to standard error: text on a terminal, JSON otherwise.
    package static func startLogging(program: String, level: Logger.Level) -> Logger {
        let format: LineLogHandler.Format = isatty(STDERR_FILENO) == 1 ? .text : .json
        LoggingSystem.bootstrap { label in LineLogHandler(label: label, level: level, format: format) }
        return Logger(label: program)
    }

    /// The one line on standard output that says that the program is ready, `lodestore ready key=value …`, flushed at once.
    package static func announceReady(program: String, facts: [(String, String)]) {
        print(printableLine(([program, "ready"] + facts.map { "\($0.0)=\($0.1)" }).joined(separator: " ")))
        fflush(nil)
    }

    /// Runs a service until it ends by itself, or until SIGTERM or SIGINT has let it end gracefully.
    ///
    /// - Parameter reload: called at each SIGHUP; without it the signal ends the process, as it does by default.
    package static func serve(
        _ service: any Service, logger: Logger, reload: (@Sendable () throws -> Void)? = nil
    ) async throws {
        var services: [any Service] = [service, DescriptorWatch(logger: logger)]
        if let reload {
            // One that comes before the service listens for it must not end the process.
            signal(SIGHUP, SIG_IGN)
            services.append(ReloadOnHangup(reload: reload, logger: logger))
        }
        try await ServiceGroup(services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger).run()
    }

    /// Runs a program's body and turns what it throws into one line on standard error and an exit code.
    ///
    /// The body may have as many descriptors open as the system lets it: the soft limit is there for programs that look through
    /// all of them.
    package static func reporting(program: String, _ body: () async throws -> Void) async throws {
        OpenDescriptors.raiseLimit()
        do {
            try await body()
        } catch let error as ConfigurationError {
            say(error, program: program)
            throw wrongConfiguration
        } catch let error as OutputError {
            say(error, program: program)
            throw lostOutput
        } catch let code as ExitCode {
            throw code
        } catch {
            say(error, program: program)
            throw ExitCode.failure
        }
    }

    private static func say(_ error: any Error, program: String) {
        writeToStandardError(Array((printableLine("\(program): \(error)") + "\n").utf8))
    }

    /// What a server cannot do without: its loops, their wake-ups, its listeners, its log.
    package static let leastDescriptors = 64

    /// Refuses to serve with fewer descriptors than it takes to begin: libraries end the process where they get none.
    package static func checkDescriptors() throws(ConfigurationError) {
        let limit = OpenDescriptors.limit
        guard limit >= leastDescriptors else {
            throw .unacceptable(
                key: "the hard limit of open files", value: "\(limit)", accepted: "\(leastDescriptors) or more")
        }
    }
}

/// Does what an operator asks for with SIGHUP, and goes on with what was there when that fails.
private struct ReloadOnHangup: Service {
    let reload: @Sendable () throws -> Void
    let logger: Logger

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            do {
                try reload()
                logger.info("reloaded", metadata: [LogKey.signal: "SIGHUP"])
            } catch {
                logger.error("not reloaded", metadata: [LogKey.signal: "SIGHUP", LogKey.error: "\(error)"])
            }
        }
    }
}
