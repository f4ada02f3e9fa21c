import Launch
import Testing

@Suite(.timeLimit(.minutes(3))) struct SocketPathTests {
    @Test(arguments: [
        ("/tmp/a", "/tmp/a", true), ("/tmp/a", "/tmp/./a", true), ("/tmp/a", "/usr/../tmp/a", true),
        ("/nonexistent/a", "/nonexistent/a", true), ("/tmp/a", "/tmp/b", false), ("/tmp/a", "/usr/a", false),
    ])
    func onePathIsNotForTwoSockets(first: String, second: String, isOne: Bool) throws {
        try SocketPath.checkDistinct(first, key: "control", from: nil, key: "socket")
        guard isOne else { return try SocketPath.checkDistinct(first, key: "control", from: second, key: "socket") }
        let error = #expect(throws: ConfigurationError.self) {
            try SocketPath.checkDistinct(first, key: "control", from: second, key: "socket")
        }
        #expect(error?.description == "control is \"\(first)\": accepted is another path than that of socket")
    }
}
