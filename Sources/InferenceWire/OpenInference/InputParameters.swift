import Telemetry

/// What the REST metadata tells of the one input beyond its type and shape: the names by which a tensor for each feature may come,
/// and the features that take BYTES.
///
/// The protocol has no place for either. `parameters` of a tensor is where MLServer's metadata has what is the server's own, and clients pass
/// over what they do not know.
enum InputParameters {
    /// Beyond either there are none: metadata is asked for often, and by clients that need little of it.
    static let limitCount = 1000
    static let limitBytes = 64 << 10

    /// `,"parameters":{"feature_names":[…],"bytes_features":[…]}` without what has nothing to tell.
    static func text(_ schema: RowSchema) -> String {
        let features = 0..<schema.featureCount
        guard features.count <= limitCount, schema.names?.byteCount ?? 0 <= limitBytes else { return "" }
        var parts: [String] = []
        if let names = schema.names { parts.append("\"feature_names\":\(list(features.map(names.name)))") }
        let encoded = features.filter { schema.encoder(of: $0) != nil }
        if !encoded.isEmpty { parts.append("\"bytes_features\":\(list(encoded.map(schema.tensorName)))") }
        return parts.isEmpty ? "" : ",\"parameters\":{\(parts.joined(separator: ","))}"
    }

    private static func list(_ names: [String]) -> String { "[\(names.map(jsonQuoted).joined(separator: ","))]" }
}
