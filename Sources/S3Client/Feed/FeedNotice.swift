import JSONReader
import Names
package import S3Types

/// One change of the bucket, as the feed tells it.
package struct FeedNotice: Sendable, Equatable {
    package enum Change: Sendable, Equatable { case created, removed }

    package let change: Change
    package let key: ObjectKey
    package let sizeBytes: UInt64
    /// Nil for a removal.
    package let etag: ETag?
    /// Where to resume after this notice.
    package let sequencer: String

    /// The notices of one line of the feed, in their order. Events of other kinds are passed over.
    ///
    /// Source: "Event message structure", Amazon S3 User Guide.
    static func notices(inLine line: [UInt8]) throws(S3ClientError) -> [FeedNotice] {
        do throws(JSONError) {
            return try JSONReader.read(line.span) { (json) throws(JSONError) in
                var notices: [FeedNotice] = []
                try json.beginObject()
                while let key = try json.nextKey() {
                    guard json.text(key, is: "Records") else {
                        try json.skipValue()
                        continue
                    }
                    try json.beginArray()
                    while try json.nextElement() {
                        if let notice = try Draft(&json).notice { notices.append(notice) }
                    }
                }
                try json.finish()
                return notices
            }
        } catch {
            throw .malformedAnswer(reason: "a line of the feed: \(error)")
        }
    }

    /// What was read of a record before it is known to be whole.
    private struct Draft {
        var name = ""
        var key = ""
        var sizeBytes = 0
        var etag = ""
        var sequencer = ""

        init(_ json: inout JSONReader) throws(JSONError) {
            try json.beginObject()
            while let field = try json.nextKey() {
                if json.text(field, is: "eventName") {
                    name = try json.readString()
                } else if json.text(field, is: "s3") {
                    try json.beginObject()
                    while let part = try json.nextKey() {
                        if json.text(part, is: "object") { try readObject(&json) } else { try json.skipValue() }
                    }
                } else {
                    try json.skipValue()
                }
            }
        }

        private mutating func readObject(_ json: inout JSONReader) throws(JSONError) {
            try json.beginObject()
            while let field = try json.nextKey() {
                if json.text(field, is: "key") {
                    key = try json.readString()
                } else if json.text(field, is: "size") {
                    sizeBytes = try json.readInt()
                } else if json.text(field, is: "eTag") {
                    etag = try json.readString()
                } else if json.text(field, is: "sequencer") {
                    sequencer = try json.readString()
                } else {
                    try json.skipValue()
                }
            }
        }

        /// Nil for another kind of event or a key that is none of S3's.
        var notice: FeedNotice? {
            let change: Change
            if name.containsBytes(of: "ObjectCreated:") {
                change = .created
            } else if name.containsBytes(of: "ObjectRemoved:") {
                change = .removed
            } else {
                return nil
            }
            guard let decoded = PercentEncoding.decode(key, plusIsSpace: true), let key = try? ObjectKey(bytes: decoded)
            else {
                return nil
            }
            return FeedNotice(
                change: change, key: key, sizeBytes: UInt64(max(sizeBytes, 0)), etag: try? ETag(etag),
                sequencer: sequencer)
        }
    }
}
