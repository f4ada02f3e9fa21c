import NIOHTTP1
import ObjectEngine
import S3Wire

/// What an operation answers with, before anything of it is sent.
struct Answer {
    enum Body {
        case none
        case bytes([UInt8])
        /// A HEAD's: nothing, but of this length.
        case declared(UInt64)
        /// An object's bytes, read as they are sent.
        case object(BodyReader)
        case feed(FeedFollower)
    }

    var status: HTTPResponseStatus
    var fields: [(String, String)]
    var body: Body

    init(_ status: HTTPResponseStatus = .ok, fields: [(String, String)] = [], body: Body = .none) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// A document.
    init(_ status: HTTPResponseStatus = .ok, fields: [(String, String)] = [], document: consuming XMLWriter) {
        self.init(status, fields: fields + [("content-type", "application/xml")], body: .bytes(document.finish()))
    }
}
