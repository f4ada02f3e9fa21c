import S3Types
import Testing

@Suite(.timeLimit(.minutes(3))) struct SecretTests {
    @Test func showsNothingHoweverItIsPrinted() {
        let secret = Secret("hunter2")
        var dumped = ""
        dump(secret, to: &dumped)
        for text in ["\(secret)", String(describing: secret), String(reflecting: secret), "\([secret])", dumped] {
            #expect(!text.contains("hunter2"))
        }
        #expect(secret.revealed == "hunter2")
    }
}
