import Names

/// Finds where one HTTP/1.1 response ends, for answers that state their length.
///
/// Source: RFC 9112, sections 4 to 6. Chunked answers are refused: no answer to a prediction is chunked.
struct ResponseReader {
    private static let headLimitBytes = 64 * 1024

    struct Response: Equatable {
        let status: Int
        let modelVersion: String
        let bodyBytes: Int
        let isLast: Bool
    }

    private var head: [UInt8] = []
    private var response: Response?
    private var missingBodyBytes = 0

    /// Takes what arrived; answers the response once its last byte is here.
    mutating func take(_ bytes: ArraySlice<UInt8>) throws(LoadError) -> Response? {
        var rest = bytes
        if response == nil {
            guard let end = headEnd(adding: rest) else {
                guard head.count <= Self.headLimitBytes else { throw .malformedResponse }
                return nil
            }
            rest = rest.dropFirst(end)
            let parsed = try Self.parse(head)
            response = parsed
            missingBodyBytes = parsed.bodyBytes
        }
        missingBodyBytes -= rest.count
        guard missingBodyBytes >= 0 else { throw .malformedResponse }
        guard missingBodyBytes == 0, let finished = response else { return nil }
        self = ResponseReader()
        return finished
    }

    /// Appends to the head until its blank line; answers how many of the new bytes belong to it.
    private mutating func headEnd(adding bytes: ArraySlice<UInt8>) -> Int? {
        var count = 0
        for byte in bytes {
            head.append(byte)
            count += 1
            if byte == UInt8(ascii: "\n"), head.suffix(4).elementsEqual([13, 10, 13, 10]) { return count }
        }
        return nil
    }

    private static func parse(_ head: [UInt8]) throws(LoadError) -> Response {
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        guard let statusLine = lines.first?.split(separator: " "), statusLine.count >= 2,
            statusLine[0].hasBytePrefix("HTTP/1."),
            let status = Int(statusLine[1])
        else { throw .malformedResponse }
        var length: Int?
        var version = ""
        var isLast = false
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw .malformedResponse }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            switch line[..<colon].lowercased() {
            case "content-length": length = Int(value)
            case "x-lodestore-model-version": version = String(value)
            case "connection": isLast = value.lowercased() == "close"
            default: break
            }
        }
        guard let length, length >= 0 else { throw .malformedResponse }
        return Response(status: status, modelVersion: version, bodyBytes: length, isLast: isLast)
    }
}
