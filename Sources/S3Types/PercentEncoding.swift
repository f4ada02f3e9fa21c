/// Percent-encoding as S3 has it: everything but `A-Z a-z 0-9 - . _ ~` as `%XX` in upper case.
///
/// Source: "Create a signed AWS API request", UriEncode.
package enum PercentEncoding {
    /// - Parameter keepsSlash: whether `/` stays, as it does in a path.
    package static func encode(_ bytes: [UInt8], keepsSlash: Bool, into result: inout [UInt8]) {
        for byte in bytes {
            if isUnreserved(byte) || (keepsSlash && byte == UInt8(ascii: "/")) {
                result.append(byte)
            } else {
                result.append(UInt8(ascii: "%"))
                result.append(digit(byte >> 4))
                result.append(digit(byte & 15))
            }
        }
    }

    package static func encode(_ text: String, keepsSlash: Bool) -> String {
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count + 16)
        encode(Array(text.utf8), keepsSlash: keepsSlash, into: &result)
        return String(decoding: result, as: UTF8.self)
    }

    /// The bytes that an encoded text stands for; nil where a `%` is not followed by two hexadecimal digits.
    ///
    /// - Parameter plusIsSpace: as in a query.
    package static func decode(_ text: ArraySlice<UInt8>, plusIsSpace: Bool) -> [UInt8]? {
        guard text.contains(where: { $0 == UInt8(ascii: "%") || (plusIsSpace && $0 == UInt8(ascii: "+")) }) else {
            return Array(text)
        }
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            index += 1
            switch byte {
            case UInt8(ascii: "%"):
                guard text.endIndex - index >= 2, let high = value(text[index]), let low = value(text[index + 1]) else {
                    return nil
                }
                result.append(high << 4 | low)
                index += 2
            case UInt8(ascii: "+") where plusIsSpace: result.append(UInt8(ascii: " "))
            default: result.append(byte)
            }
        }
        return result
    }

    package static func decode(_ text: String, plusIsSpace: Bool) -> [UInt8]? {
        decode(Array(text.utf8)[...], plusIsSpace: plusIsSpace)
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
