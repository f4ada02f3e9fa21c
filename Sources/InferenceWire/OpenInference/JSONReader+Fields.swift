import JSONReader

/// Steps of the reader whose errors say in which field they happened. The name is made only when there is an error.
extension JSONReader {
    mutating func at<Value>(
        _ field: @autoclosure () -> String, _ step: (inout JSONReader) throws(JSONError) -> Value
    ) throws(OpenInferenceError) -> Value {
        do throws(JSONError) { return try step(&self) } catch { throw .json(field: field(), error) }
    }

    mutating func key(_ field: @autoclosure () -> String) throws(OpenInferenceError) -> JSONText? {
        do throws(JSONError) { return try nextKey() } catch { throw .json(field: field(), error) }
    }

    mutating func element(_ field: @autoclosure () -> String) throws(OpenInferenceError) -> Bool {
        do throws(JSONError) { return try nextElement() } catch { throw .json(field: field(), error) }
    }

    /// Reads an object of parameters; `body` reads or skips each one's value.
    mutating func parameters(
        _ field: @autoclosure () -> String, _ body: (inout JSONReader, JSONText) throws(JSONError) -> Void
    ) throws(OpenInferenceError) {
        try at(field()) { (json) throws(JSONError) in
            if try json.readNull() { return }
            try json.beginObject()
            while let key = try json.nextKey() { try body(&json, key) }
        }
    }

    mutating func datatype(_ field: @autoclosure () -> String) throws(OpenInferenceError) -> TensorDatatype {
        let name = try at(field()) { (json) throws(JSONError) in try json.readString() }
        return try TensorDatatype.named(name, field: field())
    }

    mutating func shape(_ field: @autoclosure () -> String) throws(OpenInferenceError) -> TensorShape {
        var dimensions: (count: Int, first: Int64, second: Int64) = (0, 0, 0)
        try at(field()) { (json) throws(JSONError) in
            try json.beginArray()
            while try json.nextElement() {
                let size = Int64(try json.readInt())
                if dimensions.count == 0 { dimensions.first = size } else { dimensions.second = size }
                dimensions.count += 1
            }
        }
        return try TensorShape(dimensions, field: field())
    }
}

extension TensorDatatype {
    /// The datatype of that name.
    static func named(_ name: String, field: @autoclosure () -> String) throws(OpenInferenceError) -> TensorDatatype {
        guard let datatype = TensorDatatype(rawValue: name) else {
            throw .field(field(), "\"\(name.prefix(40))\" is no datatype")
        }
        return datatype
    }
}
