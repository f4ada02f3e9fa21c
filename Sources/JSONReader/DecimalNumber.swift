import Glibc

/// A decimal number as it is written: sign, leading digits and power of ten.
///
/// Rounding follows Clinger ("How to Read Floating Point Numbers Accurately", 1990): when the digits and the power of ten
/// are both exact in binary, one multiplication or division rounds correctly. Whatever lies outside goes to glibc, whose
/// `strtod` and `strtof` round correctly for any length.
struct DecimalNumber {
    /// The first 19 significant digits.
    var digits: UInt64 = 0
    /// The power of ten that `digits` are multiplied by.
    var exponent = 0
    var isNegative = false
    /// Whether more than 19 significant digits were written.
    var isTruncated = false
    /// Whether neither a fraction nor an exponent was written.
    var isInteger = true

    /// The value as the nearest Double, ties to even; nil where one operation cannot tell.
    var exactDouble: Double? {
        guard !isTruncated else { return nil }
        var value: Double
        if digits == 0 {
            value = 0
        } else if digits <= 1 << 53, exponent >= -22, exponent <= 22 {
            value = Double(digits)
            if exponent < 0 {
                value /= PowersOfTen.double(-exponent)
            } else if exponent > 0 {
                value *= PowersOfTen.double(exponent)
            }
        } else {
            return nil
        }
        return isNegative ? -value : value
    }

    /// The value as the nearest Float, ties to even; nil where this cannot tell.
    ///
    /// A correctly rounded Double lies on the same side of every midpoint between two Floats as the number itself, unless
    /// it is such a midpoint: then the number may have been to either side. Below the normal Floats midpoints are elsewhere.
    var exactFloat: Float? {
        guard let double = exactDouble else { return nil }
        let isMidpoint = double.bitPattern & 0x1FFF_FFFF == 0x1000_0000
        let isNormal = double.magnitude >= Double(Float.leastNormalMagnitude) || double == 0
        return isMidpoint || !isNormal ? nil : Float(double)
    }
}

/// The powers of ten that a Double holds exactly.
enum PowersOfTen {
    static func double(_ exponent: Int) -> Double { table[exponent] }

    private static let table: InlineArray<23, Double> = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20,
        1e21, 1e22,
    ]
}

/// glibc's readers under the C locale, whatever the process has set. (Swift's Glibc does not show `strtod_l`.)
enum LibraryNumber {
    // Sendable: a locale_t made by newlocale is never changed and never freed.
    private nonisolated(unsafe) static let locale: locale_t? = unsafe newlocale(1 << LC_NUMERIC, "C", nil)

    /// The nearest Double of a text that is known to be a decimal number of at most ``NumberText/maxBytes`` bytes.
    static func double(_ text: UnsafeBufferPointer<UInt8>) -> Double {
        unsafe read(text) { pointer in unsafe strtod(pointer, nil) }
    }

    /// The nearest Float of such a text.
    static func float(_ text: UnsafeBufferPointer<UInt8>) -> Float {
        unsafe read(text) { pointer in unsafe strtof(pointer, nil) }
    }

    private static func read<Value>(
        _ text: UnsafeBufferPointer<UInt8>, _ convert: (UnsafePointer<CChar>) -> Value
    ) -> Value {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: text.count + 1) { copy in
            for index in 0..<text.count { unsafe copy[index] = CChar(bitPattern: text[index]) }
            unsafe copy[text.count] = 0
            let before = unsafe uselocale(locale)
            defer { _ = unsafe uselocale(before) }
            return unsafe convert(UnsafePointer(copy.baseAddress!))
        }
    }
}
