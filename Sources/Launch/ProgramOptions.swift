package import ArgumentParser

/// The flags of every program that runs until it is stopped.
package struct ProgramOptions: ParsableArguments {
    @Option(help: ArgumentHelp("JSON object with settings.", valueName: "file"))
    package var config: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical; info unless given.")
    package var logLevel: String?

    package init() {}

    /// The program's settings, from its own flags and from all that stands behind a flag.
    package func settings(_ flags: Settings.Flags) throws(ConfigurationError) -> Settings {
        var flags = flags
        flags["log-level"] = logLevel.map { .text($0) }
        return try Settings(flags: flags, file: config)
    }
}

/// The flags of every program that serves HTTP.
package struct ServerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where to serve HTTP.", valueName: "host:port"))
    package var listen: String?

    @Option(
        help: ArgumentHelp(
            "Certificate chain in PEM; with --tls-key the listener speaks TLS. Read again on SIGHUP.", valueName: "file"
        ))
    package var tlsCertificate: String?

    @Option(help: ArgumentHelp("The certificate's key in PEM.", valueName: "file"))
    package var tlsKey: String?

    @Option(help: "Event loops; one for each core unless given.")
    package var loops: Int?

    @Option(help: "Seconds that requests in flight get after SIGTERM; 30 unless given.")
    package var drainSeconds: Int?

    package init() {}

    /// What was given, by the names of the settings.
    package var flags: Settings.Flags {
        [
            "listen": listen.map { .text($0) }, "tls-certificate": tlsCertificate.map { .text($0) },
            "tls-key": tlsKey.map { .text($0) }, "loops": loops.map { .integer($0) },
            "drain-seconds": drainSeconds.map { .integer($0) },
        ]
    }
}

extension Settings {
    /// The paths of certificate and key; nil where neither is set.
    ///
    /// - Throws: ``ConfigurationError/missing(key:)`` when only one is.
    package func tlsFiles() throws(ConfigurationError) -> (certificate: String, key: String)? {
        switch (try text("tls-certificate"), try text("tls-key")) {
        case (let certificate?, let key?): return (certificate, key)
        case (nil, nil): return nil
        case (nil, _?): throw .missing(key: "tls-certificate")
        case (_?, nil): throw .missing(key: "tls-key")
        }
    }

    /// What a program makes of the two files; nil where neither is set.
    ///
    /// - Throws: ``ConfigurationError/unacceptable(key:value:accepted:)`` with what `read` throws.
    package func tlsIdentity<Identity>(
        _ read: (_ certificate: String, _ key: String) throws -> Identity
    ) throws(ConfigurationError) -> Identity? {
        guard let files = try tlsFiles() else { return nil }
        do {
            return try read(files.certificate, files.key)
        } catch {
            throw .unacceptable(
                key: "tls-certificate", value: files.certificate,
                accepted: "a certificate chain in PEM with its key in --tls-key (\(files.key)), but \(error)")
        }
    }
}
