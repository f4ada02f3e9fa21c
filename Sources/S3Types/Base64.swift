/// Standard base64 with padding, as S3's digest headers have it.
///
/// Source: RFC 4648, section 4.
package func base64(_ bytes: some Collection<UInt8>) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    var group: UInt32 = 0
    var groupBytes = 0
    for byte in bytes {
        group = group << 8 | UInt32(byte)
        groupBytes += 1
        guard groupBytes == 3 else { continue }
        for shift in [18, 12, 6, 0] { text.append(base64Digit(group >> UInt32(shift) & 63)) }
        group = 0
        groupBytes = 0
    }
    if groupBytes > 0 {
        group <<= UInt32(8 * (3 - groupBytes))
        for index in 0..<4 {
            text.append(index <= groupBytes ? base64Digit(group >> UInt32(18 - 6 * index) & 63) : UInt8(ascii: "="))
        }
    }
    return String(decoding: text, as: UTF8.self)
}

/// The bytes that a base64 text names; nil when it is not canonical: wrong length, alphabet, padding, or stray bits.
package func bytes(base64 text: some StringProtocol) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count.isMultiple(of: 4) else { return nil }
    let paddingCount = digits.reversed().prefix { $0 == UInt8(ascii: "=") }.count
    guard paddingCount <= 2 else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(digits.count / 4 * 3)
    var group: UInt32 = 0
    for (index, digit) in digits.dropLast(paddingCount).enumerated() {
        guard let value = base64Value(digit) else { return nil }
        group = group << 6 | value
        if index % 4 == 3 {
            result += [UInt8(group >> 16 & 255), UInt8(group >> 8 & 255), UInt8(group & 255)]
            group = 0
        }
    }
    switch paddingCount {
    case 1:
        guard group & 3 == 0 else { return nil }
        result += [UInt8(group >> 10 & 255), UInt8(group >> 2 & 255)]
    case 2:
        guard group & 15 == 0 else { return nil }
        result.append(UInt8(group >> 4 & 255))
    default: break
    }
    return result
}

private func base64Digit(_ value: UInt32) -> UInt8 {
    switch value {
    case 0..<26: UInt8(ascii: "A") + UInt8(value)
    case 26..<52: UInt8(ascii: "a") + UInt8(value - 26)
    case 52..<62: UInt8(ascii: "0") + UInt8(value - 52)
    case 62: UInt8(ascii: "+")
    default: UInt8(ascii: "/")
    }
}

private func base64Value(_ digit: UInt8) -> UInt32? {
    switch digit {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
}
