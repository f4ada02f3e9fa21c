package import JSONReader

/// The two number types that models compare in. Text is rounded once, straight to the type of the model that is asked.
package protocol RowNumber: BinaryFloatingPoint, BitwiseCopyable, Sendable {
    /// The whole field as a number, infinite beyond the range; nil when it is none.
    static func number(_ field: UnsafeBufferPointer<UInt8>) -> Self?
    /// The same of a number whose digits have been taken; nil where one operation cannot round it.
    static func number(digits: UInt64, decimalCount: Int, isNegative: Bool) -> Self?
    /// Appends the numbers of the JSON array that comes next; null is missing (NaN).
    static func appendArray(_ json: inout JSONReader, to values: inout [Self], limitCount: Int) throws(JSONError) -> Int
    /// The next JSON number.
    static func next(_ json: inout JSONReader) throws(JSONError) -> Self
}

extension RowNumber {
    static func number(_ plain: PlainDecimal) -> Self? {
        number(digits: plain.digits, decimalCount: plain.decimalCount, isNegative: plain.isNegative)
    }
}

extension Float: RowNumber {
    package static func number(_ field: UnsafeBufferPointer<UInt8>) -> Float? { unsafe NumberText.float(field) }

    package static func number(digits: UInt64, decimalCount: Int, isNegative: Bool) -> Float? {
        NumberText.float(digits: digits, decimalCount: decimalCount, isNegative: isNegative)
    }

    package static func appendArray(
        _ json: inout JSONReader, to values: inout [Float], limitCount: Int
    ) throws(JSONError) -> Int {
        try json.readFloats(into: &values, maxCount: limitCount, nullIsMissing: true)
    }

    package static func next(_ json: inout JSONReader) throws(JSONError) -> Float { try json.readFloat() }
}

extension Double: RowNumber {
    package static func number(_ field: UnsafeBufferPointer<UInt8>) -> Double? { unsafe NumberText.double(field) }

    package static func number(digits: UInt64, decimalCount: Int, isNegative: Bool) -> Double? {
        NumberText.double(digits: digits, decimalCount: decimalCount, isNegative: isNegative)
    }

    package static func appendArray(
        _ json: inout JSONReader, to values: inout [Double], limitCount: Int
    ) throws(JSONError) -> Int {
        try json.readDoubles(into: &values, maxCount: limitCount, nullIsMissing: true)
    }

    package static func next(_ json: inout JSONReader) throws(JSONError) -> Double { try json.readDouble() }
}
