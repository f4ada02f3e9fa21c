import Testing

@testable import LoadGenerator

@Suite(.timeLimit(.minutes(3))) struct ResponseReaderTests {
    private let answer = Array(
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Lodestore-Model-Version: abc\r\n\r\n0.125".utf8)

    @Test(arguments: 1...40)
    func findsTheEndHoweverItArrives(pieceBytes: Int) throws {
        var reader = ResponseReader()
        for _ in 0..<3 {
            var found: ResponseReader.Response?
            for start in stride(from: 0, to: answer.count, by: pieceBytes) {
                #expect(found == nil)
                found = try reader.take(answer[start..<min(start + pieceBytes, answer.count)])
            }
            #expect(found == .init(status: 200, modelVersion: "abc", bodyBytes: 5, isLast: false))
        }
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab",
    ])
    func refusesWhatItCannotDelimit(text: String) {
        #expect(throws: LoadError.malformedResponse) {
            var reader = ResponseReader()
            _ = try reader.take(Array(text.utf8)[...])
        }
    }
}
