package import S3Types

/// A list of entity tags, or `*`.
package enum ETagCondition: Hashable, Sendable {
    case any
    case tags([ETag])

    fileprivate func matches(_ etag: ETag) -> Bool {
        switch self {
        case .any: true
        case .tags(let tags): tags.contains(etag)
        }
    }
}

/// What must hold of the object in place for a write to happen, decided in commit order.
///
/// Source: "Add preconditions to S3 operations with conditional requests", Amazon S3 User Guide.
package struct WritePreconditions: Hashable, Sendable {
    package var ifMatch: ETagCondition?
    package var ifNoneMatch: ETagCondition?

    package static let none = WritePreconditions()

    package init(ifMatch: ETagCondition? = nil, ifNoneMatch: ETagCondition? = nil) {
        self.ifMatch = ifMatch
        self.ifNoneMatch = ifNoneMatch
    }

    /// - Throws: ``EngineError/noSuchKey(_:)`` where If-Match finds nothing, ``EngineError/preconditionFailed(_:)``.
    func check(_ current: ObjectRecord?, key: ObjectKey) throws(EngineError) {
        if let ifMatch {
            guard let current else { throw .noSuchKey(key) }
            guard ifMatch.matches(current.etag) else { throw .preconditionFailed(.ifMatch) }
        }
        if let ifNoneMatch, let current, ifNoneMatch.matches(current.etag) { throw .preconditionFailed(.ifNoneMatch) }
    }
}
