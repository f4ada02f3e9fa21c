import Names
import Testing

@testable import S3Client

@Suite(.timeLimit(.minutes(3))) struct TextTests {
    @Test func profilesAndSettingsOfTwinsAreTwo() {
        let file = IniFile(
            "[K]\r\nkey = 1\r\n[\u{212A}]\r\n key=2\n#\u{301}key=3\n[cafe\u{301}]\nk=\u{301}4\n\u{212A}=5")
        #expect(file.section("K")?["key"] == "1" && file.section("\u{212A}")?["key"] == "2")
        #expect(file.section("caf\u{E9}") == nil)
        #expect(file.section("cafe\u{301}")?.count == 2 && file.section("cafe\u{301}")?["\u{212A}"] == "5")
    }

    @Test func anEndpointIsReadByBytes() {
        #expect(S3Endpoint(url: "http://host:80/")?.port == 80)
        #expect(S3Endpoint(url: "http://host:\u{301}80") == nil)
        #expect(S3Endpoint(url: "http://host/\u{338}") == nil)
    }
}
