import JSONReader
package import ModelTypes
import Names

/// What `encoders.json` may have at most.
package struct EncoderLimits: Hashable, Sendable {
    package let maxBytes: Int
    /// Of all encoders together.
    package let maxCategoryCount: Int
    /// One category's text, in UTF-8.
    package let maxTextBytes: Int
    /// The texts of all categories together.
    package let maxAllTextBytes: Int

    package init(
        maxBytes: Int = 256 << 20, maxCategoryCount: Int = 1 << 22, maxTextBytes: Int = 1024,
        maxAllTextBytes: Int = 128 << 20
    ) {
        self.maxBytes = maxBytes
        self.maxCategoryCount = maxCategoryCount
        self.maxTextBytes = maxTextBytes
        self.maxAllTextBytes = maxAllTextBytes
    }
}

/// Reads a bundle's `encoders.json`, which `Docs/Formats/bundle.md` describes.
package enum EncodersDocument {
    /// The model with the names that the document gives it, and what encodes its features.
    package struct Encoded {
        package let model: ModelDescription
        package let encoders: FeatureEncoders
    }

    /// - Throws: ``ModelFormatError`` with the offset in the document.
    package static func parse(
        _ bytes: Span<UInt8>, for model: ModelDescription, limits: EncoderLimits = EncoderLimits()
    ) throws(ModelFormatError) -> Encoded {
        guard bytes.count <= limits.maxBytes else { throw ModelFormatError(.tooLarge("encoders.json"), at: 0) }
        // An escape of six characters stands for one to three bytes.
        let rules = JSONRules(maxDepth: 8, maxStringBytes: 6 * limits.maxTextBytes)
        return try JSONReader.read(bytes, rules: rules) { (json) throws(ModelFormatError) in
            var draft = Draft(limits: limits)
            try draft.read(&json)
            try json.takeEnd()
            return try draft.encoded(model, offset: json.documentOffset)
        }
    }

    private enum Key: String, DocumentKey {
        case version, features, encoders
        static let withoutEffect: [String] = []
    }

    private enum EncoderKey: String, DocumentKey {
        case categories, unknown
        static let withoutEffect: [String] = []
    }

    private struct Draft {
        struct Encoder {
            let name: String
            let offset: Int
            var categories: [FeatureEncoders.Category]?
            var unknown = Double.nan
        }

        let limits: EncoderLimits
        var version = 0
        var names: [String]?
        var encoders: [Encoder] = []
        var categoryCount = 0
        var textBytes = 0

        init(limits: EncoderLimits) { self.limits = limits }

        mutating func read(_ json: inout JSONReader) throws(ModelFormatError) {
            var known = KnownKeys<Key>()
            try json.enterObject()
            while let key = try json.takeKey() {
                switch try known.take(key, at: "", offset: json.documentOffset) {
                case .version: version = try json.takeInt()
                case .features: names = try json.takeStrings()
                case .encoders:
                    try json.enterObject()
                    while let name = try json.takeKey() {
                        var encoder = Encoder(name: name, offset: json.documentOffset)
                        try readEncoder(&json, &encoder)
                        encoders.append(encoder)
                    }
                case nil: try json.skip()
                }
            }
        }

        /// A list of categories, or an object with them and what becomes of unknown texts.
        private mutating func readEncoder(
            _ json: inout JSONReader, _ encoder: inout Encoder
        ) throws(ModelFormatError) {
            guard try json.takeKind() == .object else {
                encoder.categories = try readCategories(&json)
                return
            }
            var known = KnownKeys<EncoderKey>()
            let place = "encoders.\(encoder.name.prefix(64))"
            try json.enterObject()
            while let key = try json.takeKey() {
                switch try known.take(key, at: place, offset: json.documentOffset) {
                case .categories: encoder.categories = try readCategories(&json)
                case .unknown: encoder.unknown = try json.takeNull() ? .nan : try json.takeDouble()
                case nil: try json.skip()
                }
            }
        }

        /// A list numbers its texts from 0, as scikit-learn's `LabelEncoder.classes_` does; an object names the numbers.
        private mutating func readCategories(
            _ json: inout JSONReader
        ) throws(ModelFormatError) -> [FeatureEncoders.Category] {
            var categories: [FeatureEncoders.Category] = []
            if try json.takeKind() == .array {
                try json.enterArray()
                while try json.takeElement() {
                    let text = try json.takeString()
                    try count(text, json.documentOffset)
                    categories.append(FeatureEncoders.Category(text: text, number: Double(categories.count)))
                }
            } else {
                try json.enterObject()
                while let text = try json.takeKey() {
                    try count(text, json.documentOffset)
                    categories.append(FeatureEncoders.Category(text: text, number: try json.takeDouble()))
                }
            }
            return categories
        }

        private mutating func count(_ text: String, _ offset: Int) throws(ModelFormatError) {
            categoryCount += 1
            textBytes += text.utf8.count
            guard text.utf8.count <= limits.maxTextBytes else {
                throw ModelFormatError(.tooLarge("a category's text"), at: offset)
            }
            guard categoryCount <= limits.maxCategoryCount, textBytes <= limits.maxAllTextBytes else {
                throw ModelFormatError(.tooLarge("categories"), at: offset)
            }
        }

        // MARK: What it is for the model

        func encoded(_ model: ModelDescription, offset: Int) throws(ModelFormatError) -> Encoded {
            guard version == 1 else { throw ModelFormatError(.unsupported("version \(version)"), at: offset) }
            let names = try featureNames(model, offset: offset)
            var numbers: [Name: Int] = [:]
            var ambiguous: Set<Name> = []
            for (number, name) in names.map({ Name($0) }).enumerated() {
                if numbers.updateValue(number, forKey: name) != nil { ambiguous.insert(name) }
            }
            var read: [FeatureEncoders.Encoder] = []
            for encoder in encoders {
                guard let feature = numbers[Name(encoder.name)], !ambiguous.contains(Name(encoder.name)) else {
                    throw ModelFormatError(
                        .inconsistent("the model has no feature \(encoder.name.prefix(64)) or several"),
                        at: encoder.offset)
                }
                guard let categories = encoder.categories else {
                    throw ModelFormatError(.malformed("an encoder without categories"), at: encoder.offset)
                }
                read.append(
                    FeatureEncoders.Encoder(feature: feature, categories: categories, unknown: encoder.unknown))
            }
            do throws(FeatureEncoders.Failure) {
                return Encoded(
                    model: model.named(names), encoders: try FeatureEncoders(read, featureCount: model.featureCount))
            } catch { throw ModelFormatError(.encoders(error), at: offset) }
        }

        /// The model's names; those of the document where the model has none.
        private func featureNames(_ model: ModelDescription, offset: Int) throws(ModelFormatError) -> [String] {
            guard let names else {
                guard !model.featureNames.isEmpty || encoders.isEmpty else {
                    throw ModelFormatError(.inconsistent("the model names no features: \"features\" must"), at: offset)
                }
                return model.featureNames
            }
            let isModels = model.featureNames.isEmpty || model.featureNames.map { Name($0) } == names.map { Name($0) }
            guard names.count == model.featureCount, isModels else {
                throw ModelFormatError(.inconsistent("features are not the model's"), at: offset)
            }
            return names
        }
    }
}
