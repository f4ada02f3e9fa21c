import Names
import S3Types

/// The parameters of a query as text, in the order given.
package struct QueryParameters: Sendable {
    package let items: [(name: String, value: String)]

    /// - Throws: ``S3Error`` InvalidURI where one is not UTF-8.
    init(_ parameters: [RequestTarget.Parameter]) throws(S3Error) {
        var items: [(name: String, value: String)] = []
        items.reserveCapacity(parameters.count)
        for parameter in parameters {
            guard let name = String(validating: parameter.name, as: UTF8.self),
                let value = String(validating: parameter.value, as: UTF8.self)
            else { throw S3Error(.invalidURI) }
            items.append((name, value))
        }
        self.items = items
    }

    /// The value of the first parameter of that name.
    package func first(_ name: String) -> String? { items.first { Name($0.name) == Name(name) }?.value }
    package func all(_ name: String) -> [String] { items.filter { Name($0.name) == Name(name) }.map(\.value) }
    package func contains(_ name: String) -> Bool { items.contains { Name($0.name) == Name(name) } }
}
