import Foundation
import Logging
import Synchronization
import Telemetry
import Testing

@Suite(.timeLimit(.minutes(3))) struct LineLogHandlerTests {
    /// Collects lines; the mutex is its only state.
    final class Sink: Sendable {
        private let bytes = Mutex<[UInt8]>([])
        var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }
        func append(_ more: [UInt8]) { bytes.withLock { $0 += more } }
    }

    private func logger(_ format: LineLogHandler.Format, into sink: Sink) -> Logger {
        Logger(label: "store") { LineLogHandler(label: $0, level: .debug, format: format) { sink.append($0) } }
    }

    @Test func jsonLinesParseWhateverTheyCarry() throws {
        let sink = Sink()
        let hostile = "a\"b\\c\nd\u{0}\u{1B}[31m\u{7F}é"
        logger(.json, into: sink).info("part stored", metadata: [LogKey.key: "\(hostile)"])
        let line = sink.text
        #expect(line.hasSuffix("}\n") && line.filter { $0 == "\n" }.count == 1)
        let fields = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
        #expect(fields[LogKey.key] == hostile)
        #expect(fields["message"] == "part stored")
        #expect(fields["level"] == "info")
    }

    @Test func textStaysOnOneLine() {
        let sink = Sink()
        logger(.text, into: sink).warning("refused", metadata: [LogKey.key: "a\nb", LogKey.count: "3"])
        #expect(sink.text.hasSuffix(" warning store: refused count=3 s3.key=\"a\\nb\"\n"))
    }

    @Test(arguments: [(0, 0, "1970-01-01T00:00:00.000Z"), (1_709_210_096, 7, "2024-02-29T12:34:56.007Z")])
    func timestampsAreRFC3339(seconds: Int, milliseconds: Int, expected: String) {
        #expect(timestamp(seconds: seconds, milliseconds: milliseconds) == expected)
    }
}
