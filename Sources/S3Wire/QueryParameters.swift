/// The decoded parameters of a query, in the order given.
package struct QueryParameters: Sendable {
    package let items: [(name: String, value: String)]

    package static let none = QueryParameters(items: [])

    private init(items: [(name: String, value: String)]) { self.items = items }

    /// - Throws: ``S3Error`` InvalidURI where it cannot be decoded to UTF-8.
    package init(query: some Collection<UInt8>) throws(S3Error) {
        var items: [(name: String, value: String)] = []
        for item in query.split(separator: UInt8(ascii: "&")) {
            let equals = item.firstIndex(of: UInt8(ascii: "=")) ?? item.endIndex
            let value = equals == item.endIndex ? item[equals...] : item[item.index(after: equals)...]
            items.append((try Self.text(item[..<equals]), try Self.text(value)))
        }
        self.items = items
    }

    /// The value of the first parameter of that name.
    package func first(_ name: String) -> String? { items.first { $0.name == name }?.value }
    package func all(_ name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }
    package func contains(_ name: String) -> Bool { items.contains { $0.name == name } }

    private static func text(_ encoded: some Sequence<UInt8>) throws(S3Error) -> String {
        guard let bytes = URLText.decode(encoded, plusIsSpace: true),
            let text = String(validating: bytes, as: UTF8.self)
        else {
            throw S3Error(.invalidURI)
        }
        return text
    }
}
