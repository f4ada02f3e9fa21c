import Launch
import Testing

@Suite(.timeLimit(.minutes(3))) struct ListenAddressTests {
    @Test(arguments: [
        ("127.0.0.1:9000", "127.0.0.1", true), ("[::1]:9000", "::1", true), ("0.0.0.0:9000", "0.0.0.0", false),
        ("localhost:9000", "localhost", true), ("[2001:db8::1]:9000", "2001:db8::1", false),
    ])
    func readsWhatItWrites(text: String, host: String, isLoopback: Bool) throws {
        let address = try ListenAddress(text, key: "listen")
        #expect(address == ListenAddress(host: host, port: 9000))
        #expect(address.isLoopback == isLoopback && address.description == text)
    }

    @Test(arguments: ["", "9000", ":9000", "a:", "a:b", "a:65536", "a:-1"])
    func refusesWithTheKeyAndTheValue(text: String) {
        let error = #expect(throws: ConfigurationError.self) { try ListenAddress(text, key: "listen") }
        #expect(error?.description.hasPrefix("listen is \"\(text)\": accepted is") == true)
    }
}
