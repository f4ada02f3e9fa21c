/// Names with what is known of each, looked up by their bytes: made once, then only read.
///
/// The names lie by their length, so that a look-up hashes nothing and compares with the few of its own length.
struct NameTable<Value: Sendable>: Sendable {
    private var rows: [[(name: String, value: Value)]] = []

    /// - Parameter rows: names in ASCII, each once.
    init(_ rows: [(name: String, value: Value)]) {
        for row in rows {
            precondition(row.name.utf8.allSatisfy { $0 < 0x80 }, "\(row.name) is not ASCII")
            precondition(self[row.name] == nil, "\(row.name) is in the table twice")
            let length = row.name.utf8.count
            while self.rows.count <= length { self.rows.append([]) }
            self.rows[length].append(row)
        }
    }

    /// What is known of a name; nil where it is not in the table.
    subscript(name: String) -> Value? {
        let length = name.utf8.count
        guard length < rows.count else { return nil }
        // text: of those with as many bytes as one in ASCII none but itself is canonically equivalent to it
        for row in rows[length] where row.name == name { return row.value }
        return nil
    }
}

extension NameTable where Value == Void {
    init(_ names: [String]) { self.init(names.map { ($0, ()) }) }

    func contains(_ name: String) -> Bool { self[name] != nil }
}
