import Names

/// One element of a document read: its children in order, or its text. Attributes and namespaces are dropped.
package struct XMLElement: Sendable, Equatable {
    package var name: String
    package var text = ""
    package var children: [XMLElement] = []

    package init(name: String) { self.name = name }

    package func first(_ name: String) -> XMLElement? { children.first { Name($0.name) == Name(name) } }
    package func all(_ name: String) -> [XMLElement] { children.filter { Name($0.name) == Name(name) } }

    /// The text of the first child of that name.
    package func text(of name: String) -> String? { first(name)?.text }
}
