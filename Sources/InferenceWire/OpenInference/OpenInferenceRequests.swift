import JSONReader
import Names
import Protobuf

/// Requests that name a model or a repository, and nothing more that counts.
package struct NamedRequest: Equatable, Sendable {
    package private(set) var name = ""
    package private(set) var version = ""

    /// `ModelReadyRequest`, `ModelMetadataRequest`, `ModelConfigRequest`, `ModelStatisticsRequest`, and `HealthCheckRequest`:
    /// name 1, version 2.
    package init(message: UnsafeRawBufferPointer) throws(OpenInferenceError) {
        var reader = unsafe ProtobufReader(message)
        while try reader.hasNext() {
            switch reader.field {
            case 1: name = try reader.text()
            case 2: version = try reader.text()
            default: try reader.pass()
            }
        }
    }
}

/// Asks for the repository's models: all that are held, or those that are ready.
package struct IndexRequest: Equatable, Sendable {
    package private(set) var isReadyOnly = false

    /// An object with `ready`, or nothing at all.
    package init(json text: UnsafeRawBufferPointer) throws(OpenInferenceError) {
        guard text.count > 0 else { return }
        var isReady = false
        try unsafe JSONReader.read(text, rules: requestRules) { (json) throws(OpenInferenceError) in
            try json.parameters("") { (json, key) throws(JSONError) in
                if json.text(key, is: "ready") { isReady = try json.readBool() } else { try json.skipValue() }
            }
            try json.at("") { (json) throws(JSONError) in try json.finish() }
        }
        isReadyOnly = isReady
    }

    /// `RepositoryIndexRequest`: repository_name 1, ready 2.
    package init(message: UnsafeRawBufferPointer) throws(OpenInferenceError) {
        var reader = unsafe ProtobufReader(message)
        while try reader.hasNext() {
            if reader.field == 2 { isReadyOnly = try reader.truth() } else { try reader.pass() }
        }
    }
}

/// Asks to load or to unload a model. What would bring another model in than the bucket has is refused.
package struct LoadRequest: Equatable, Sendable {
    package private(set) var name = ""

    /// An object with `parameters`, or nothing at all; the name is the path's.
    package init(json text: UnsafeRawBufferPointer, name: String) throws(OpenInferenceError) {
        self.name = name
        guard text.count > 0 else { return }
        var foreign: String?
        try unsafe JSONReader.read(text, rules: requestRules) { (json) throws(OpenInferenceError) in
            try json.parameters("") { (json, key) throws(JSONError) in
                guard json.text(key, is: "parameters") else { return try json.skipValue() }
                try json.beginObject()
                while let parameter = try json.nextKey() {
                    let parameterName = json.string(parameter)
                    if Self.isForeign(parameterName) { foreign = parameterName }
                    try json.skipValue()
                }
            }
            try json.at("") { (json) throws(JSONError) in try json.finish() }
        }
        try Self.check(foreign)
    }

    /// `RepositoryModelLoadRequest` and `RepositoryModelUnloadRequest`: repository_name 1, model_name 2, parameters 3.
    package init(message: UnsafeRawBufferPointer) throws(OpenInferenceError) {
        var foreign: String?
        var reader = unsafe ProtobufReader(message)
        while try reader.hasNext() {
            switch reader.field {
            case 2: name = try reader.text()
            case 3:
                var entry = try reader.inner()
                while try entry.hasNext() {
                    guard entry.field == 1 else {
                        try entry.pass()
                        continue
                    }
                    let key = try entry.text()
                    if Self.isForeign(key) { foreign = key }
                }
            default: try reader.pass()
            }
        }
        try Self.check(foreign)
    }

    private static func isForeign(_ parameter: String) -> Bool {
        Name(parameter) == "config" || parameter.hasBytePrefix("file:")
    }

    private static func check(_ foreign: String?) throws(OpenInferenceError) {
        guard let foreign else { return }
        throw .field("parameters.\(foreign.prefix(100))", "models and their settings come from the bucket alone")
    }
}
