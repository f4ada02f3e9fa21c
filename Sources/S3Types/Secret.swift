import Names

/// A text that no log, error or debugger dump may show.
package struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The text itself, for the one line that needs it.
    package let revealed: String

    package init(_ text: String) { self.revealed = text }

    package static func == (left: Secret, right: Secret) -> Bool { Name(left.revealed) == Name(right.revealed) }
    package func hash(into hasher: inout Hasher) { hasher.combine(Name(revealed)) }

    package var description: String { "<redacted>" }
    package var debugDescription: String { "<redacted>" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
