import Names

extension OperationTable {
    /// The entry of the operation that a request asks for, after all its parameters are known to be taken.
    ///
    /// Headers are checked by the entry itself once the operation is known, so that a refusal's line in the log can name it.
    ///
    /// - Parameters:
    ///   - method: in upper case.
    ///   - isCopy: whether the request has `x-amz-copy-source`.
    ///   - isPresigned: whether the signature is in the query.
    /// - Throws: MethodNotAllowed, NotImplemented, InvalidArgument.
    package static func entry(
        method: String, address: S3Address, isCopy: Bool, isPresigned: Bool = false
    ) throws(S3Error) -> OperationEntry {
        let level: OperationEntry.Level =
            address.bucket == nil ? .service : address.key == nil ? .bucket : .object
        let query = address.query
        for entry in entries(of: level)
        where entry.method.hasSameBytes(as: method) && entry.isMarked(query, isCopy: isCopy) {
            try entry.check(query, isPresigned: isPresigned)
            return entry
        }
        for (name, _) in query.items where name != "x-id" && !isOfSignature(name, isPresigned: isPresigned) {
            throw .notServed(.parameter, name)
        }
        // A form that a browser posts.
        guard method == "POST", level != .service else {
            throw S3Error(.methodNotAllowed, details: [("Method", method)])
        }
        throw .notServed(.method, method)
    }
}
