import Names

/// The keys of one kind of object in a document. Each case is a key that is read; the compiler holds a reader to all of them.
///
/// What is neither a case nor in ``withoutEffect`` is refused by its name: a key that this reader does not know may be one that
/// predictions depend on. Keys are told apart by their bytes.
protocol DocumentKey: CaseIterable, RawRepresentable<String> {
    /// Keys that writers of models use and that no prediction depends on, each with all that is below it.
    static var withoutEffect: [String] { get }
}

extension DocumentKey {
    /// The case of these bytes.
    init?(bytesOf key: String) {
        guard let known = Self.allCases.first(where: { $0.rawValue.hasSameBytes(as: key) }) else { return nil }
        self = known
    }
}

/// What one kind of object may hold, with the keys that have come in one such object.
struct KnownKeys<Key: DocumentKey> {
    private let cases = Array(Key.allCases)
    /// A bit for each case that has come.
    private var seen: UInt64 = 0

    /// The key to read, or nil where the value is to be passed over.
    ///
    /// - Parameters:
    ///   - place: The keys that lead to the object, with dots between them.
    ///   - offset: Where the key ends.
    mutating func take(_ key: String, at place: String, offset: Int) throws(ModelFormatError) -> Key? {
        for (number, known) in cases.enumerated() where known.rawValue.hasSameBytes(as: key) {
            // Which of two would count, readers do not agree on.
            guard seen & 1 << UInt64(number) == 0 else {
                throw ModelFormatError(.inconsistent("the key \(UnknownKey.path(place, key)), given twice"), at: offset)
            }
            seen |= 1 << UInt64(number)
            return known
        }
        guard Key.withoutEffect.contains(where: { $0.hasSameBytes(as: key) }) else {
            throw UnknownKey.refusal(key, at: place, offset: offset)
        }
        return nil
    }
}

/// How keys are compared, and refused.
enum UnknownKey {
    private static let maxShownCount = 64

    static func path(_ place: String, _ key: String) -> String {
        let shown = key.prefix(maxShownCount)
        return place.isEmpty ? String(shown) : "\(place).\(shown)"
    }

    static func refusal(_ key: String, at place: String, offset: Int) -> ModelFormatError {
        ModelFormatError(.unsupported("the key \(path(place, key))"), at: offset)
    }
}

extension DocumentReader where Self: ~Copyable {
    /// Calls `body` for each key of an object that is read, once each; it must take or skip the value. What has no effect is
    /// passed over, and what is not known refused.
    ///
    /// - Parameter place: The keys that lead to the object, for refusals.
    mutating func eachKey<Key: DocumentKey>(
        of _: Key.Type, at place: String, _ body: (inout Self, Key) throws(ModelFormatError) -> Void
    ) throws(ModelFormatError) {
        var known = KnownKeys<Key>()
        try enterObject()
        while let key = try takeKey() {
            if let key = try known.take(key, at: place, offset: documentOffset) {
                try body(&self, key)
            } else {
                try skip()
            }
        }
    }

    /// Passes over an object of which all is known to have no effect, as long as it is only this.
    mutating func passOverKeys(_ known: [String], at place: String) throws(ModelFormatError) {
        try eachKey { (reader, key) throws(ModelFormatError) in
            guard known.contains(where: { $0.hasSameBytes(as: key) }) else {
                throw UnknownKey.refusal(key, at: place, offset: reader.documentOffset)
            }
            try reader.skip()
        }
    }
}
