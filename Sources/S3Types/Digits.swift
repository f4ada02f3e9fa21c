extension FixedWidthInteger {
    /// A whole number as HTTP and S3 write it: decimal digits and nothing else; nil for any other text and for one too large.
    ///
    /// Swift's own reading also takes a sign (`+5`), which no grammar of a header, parameter or document here allows.
    package init?(digits text: some StringProtocol) {
        var value: Self = 0
        var isEmpty = true
        for byte in text.utf8 {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            let (shifted, overflows) = value.multipliedReportingOverflow(by: 10)
            let (sum, carries) = shifted.addingReportingOverflow(Self(byte - UInt8(ascii: "0")))
            guard !overflows, !carries else { return nil }
            value = sum
            isEmpty = false
        }
        guard !isEmpty else { return nil }
        self = value
    }
}
