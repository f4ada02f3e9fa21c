import Names

/// What an operation takes: by what a request is known to be this operation, and all that may stand in it beside.
///
/// A parameter or header is in the entry because the operation heeds it, or because it has no effect for a reason that is written
/// down where it is listed. Whatever else a request holds is refused before anything is done; only unknown parameters of
/// reads are passed over, as at S3, since proxies and clients that get around caches add them.
package struct OperationEntry: Sendable {
    package enum Level: Sendable { case service, bucket, object }

    /// What must be there for a request to be this operation.
    enum Mark: Sendable {
        case parameter(String)
        /// With no other value than this.
        case value(String, String)
        case header(String)
    }

    /// What a table knows of one of its names.
    private struct Row: Sendable {
        let rule: HeaderRule
        /// A bit of its own, by which a repetition is noticed.
        let bit: UInt64
    }

    package let operation: S3Operation
    package let method: String
    package let level: Level
    let marks: [Mark]
    private let parameters: NameTable<Row>
    private let headers: NameTable<Row>
    private let takesMetadata: Bool

    /// - Parameters:
    ///   - parameters: those that it may have beside its marks.
    ///   - headers: those of its own; all operations have ``OperationTable/common`` too.
    init(
        _ operation: S3Operation, _ method: String, _ level: Level, marks: [Mark] = [], parameters: [String] = [],
        headers: [[HeaderEntry]] = [], takesMetadata: Bool = false
    ) {
        self.operation = operation
        self.method = method
        self.level = level
        self.marks = marks
        self.takesMetadata = takesMetadata
        var names = parameters
        var entries = OperationTable.common + headers.flatMap { $0 }
        for mark in marks {
            switch mark {
            case .parameter(let name), .value(let name, _): names.append(name)
            case .header(let name): entries += HeaderEntry.heeded(name)
            }
        }
        precondition(names.count <= 64 && entries.count <= 64, "an entry has a bit for each of its names")
        self.parameters = NameTable(names.enumerated().map { ($1, Row(rule: .heeded, bit: 1 << UInt64($0))) })
        self.headers = NameTable(entries.enumerated().map { ($1.name, Row(rule: $1.rule, bit: 1 << UInt64($0))) })
    }

    /// Whether it changes nothing.
    package var isRead: Bool { method == "GET" || method == "HEAD" }

    package func takes(parameter name: String) -> Bool { parameters[name] != nil }
    package func takes(header name: String) -> Bool {
        headers[name] != nil || (takesMetadata && name.hasBytePrefix("x-amz-meta-"))
    }

    // MARK: A request

    /// Whether all its marks are there.
    func isMarked(_ query: QueryParameters, isCopy: Bool) -> Bool {
        for mark in marks {
            switch mark {
            case .parameter(let name): guard query.contains(name) else { return false }
            case .value(let name, let value):
                guard query.first(name)?.hasSameBytes(as: value) == true else { return false }
            case .header: guard isCopy else { return false }
            }
        }
        return true
    }

    /// The first parameter among its marks that a request lacks which has `name`, another of them.
    func companion(of name: String, missingIn query: QueryParameters) -> String? {
        var isMark = false
        var missing: String?
        for case .parameter(let mark) in marks {
            if mark.hasSameBytes(as: name) { isMark = true }
            if missing == nil, !query.contains(mark) { missing = mark }
        }
        return isMark ? missing : nil
    }

    /// - Throws: NotImplemented for a parameter that it does not take, InvalidArgument for one that is given twice or alone.
    func check(_ query: QueryParameters, isPresigned: Bool) throws(S3Error) {
        var seen: UInt64 = 0
        for (name, value) in query.items {
            if let row = parameters[name] {
                guard seen & row.bit == 0 || isRead else {
                    throw S3Error(
                        .invalidArgument, "The parameter \(name) is given twice", details: [("ArgumentName", name)])
                }
                seen |= row.bit
            } else if name == "x-id" {
                // What SDKs call the operation that they mean.
                guard value.hasSameBytes(as: operation.rawValue) else {
                    throw .notServed(.parameter, name, value: value)
                }
            } else {
                try refuse(name, query, isPresigned: isPresigned)
            }
        }
    }

    private func refuse(_ name: String, _ query: QueryParameters, isPresigned: Bool) throws(S3Error) {
        guard !OperationTable.isOfSignature(name, isPresigned: isPresigned) else { return }
        for entry in OperationTable.entries(of: level) where entry.method.hasSameBytes(as: method) {
            guard let missing = entry.companion(of: name, missingIn: query) else { continue }
            throw S3Error(
                .invalidArgument, "The parameter \(name) needs the parameter \(missing) beside it",
                details: [("ArgumentName", missing)])
        }
        guard isRead, !Subresources.contains(name) else { throw .notServed(.parameter, name) }
    }

    /// Holds the headers that say what a request is to do, or on which condition, to the entry. The others describe a body or are between
    /// the client and what lies on the way.
    ///
    /// - Parameter fields: names in lower case.
    /// - Throws: NotImplemented for a header that it does not take, InvalidArgument for one that is given twice, and the error of a
    ///   value that is not taken.
    package func check(_ fields: [(name: String, value: String)]) throws(S3Error) {
        var seen: UInt64 = 0
        for field in fields where OperationTable.decides(field.name) {
            guard let row = headers[field.name] else {
                guard takesMetadata, field.name.hasBytePrefix("x-amz-meta-") else {
                    throw OperationTable.refusal(header: field.name)
                }
                continue
            }
            guard seen & row.bit == 0 else {
                throw S3Error(
                    .invalidArgument, "The header \(field.name) is given twice",
                    details: [("ArgumentName", field.name)])
            }
            seen |= row.bit
            try row.rule.check(field.name, field.value)
        }
    }
}
