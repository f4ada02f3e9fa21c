/// How a listing cuts keys at the delimiter: which common prefix a key belongs to, and where to begin.
struct RollUp {
    let prefix: [UInt8]
    let delimiter: [UInt8]

    init(prefix: String, delimiter: String) {
        self.prefix = Array(prefix.utf8)
        self.delimiter = Array(delimiter.utf8)
    }

    /// The common prefix of a key that begins with the prefix, delimiter included; nil when it stands for itself.
    func commonPrefix(of key: [UInt8]) -> [UInt8]? {
        guard let first = delimiter.first, key.count >= prefix.count + delimiter.count else { return nil }
        var index = prefix.count
        while index <= key.count - delimiter.count {
            guard let found = key[index...].firstIndex(of: first), found <= key.count - delimiter.count else {
                return nil
            }
            if key[found..<found + delimiter.count].elementsEqual(delimiter) {
                return Array(key[..<(found + delimiter.count)])
            }
            index = found + 1
        }
        return nil
    }

    /// Where a walk begins that shows only what comes after `text`.
    enum Start: Equatable {
        /// At the first key that is greater.
        case afterKey([UInt8])
        /// At the first key that does not begin with this common prefix and is greater.
        case afterPrefix([UInt8])
    }

    func start(after text: String) -> Start {
        let bytes = Array(text.utf8)
        return bytes.starts(with: prefix) && commonPrefix(of: bytes) == bytes ? .afterPrefix(bytes) : .afterKey(bytes)
    }
}
