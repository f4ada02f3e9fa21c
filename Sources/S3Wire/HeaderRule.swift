/// What an operation makes of a header that it takes.
enum HeaderRule: Sendable {
    /// The operation does what it says; what its value may be is for the operation to check.
    case heeded
    /// It changes nothing here, for the reason given where the header is listed.
    case withoutEffect
    /// These values are what happens anyway; every other is refused with this error.
    case only([String], else: S3ErrorCode)

    /// - Throws: the error of a value that is not taken.
    func check(_ name: String, _ value: String) throws(S3Error) {
        guard case .only(let values, let code) = self, !values.contains(value) else { return }
        switch code {
        case .notImplemented: throw .notServed(.header, name, value: value)
        case .invalidStorageClass: throw S3Error(code, details: [("StorageClassRequested", value)])
        default: throw S3Error(code, details: [("Header", name)])
        }
    }
}

/// A header of an operation's entry.
struct HeaderEntry: Sendable {
    let name: String
    let rule: HeaderRule

    static func heeded(_ names: String...) -> [HeaderEntry] { names.map { HeaderEntry(name: $0, rule: .heeded) } }

    static func withoutEffect(_ names: String...) -> [HeaderEntry] {
        names.map { HeaderEntry(name: $0, rule: .withoutEffect) }
    }

    static func only(_ name: String, _ values: String..., else code: S3ErrorCode = .notImplemented) -> [HeaderEntry] {
        [HeaderEntry(name: name, rule: .only(values, else: code))]
    }
}
