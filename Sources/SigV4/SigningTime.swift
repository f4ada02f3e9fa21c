import S3Types

/// A moment as signatures write it: `20130524T000000Z`, whole seconds in UTC.
package struct SigningTime: Hashable, Sendable, CustomStringConvertible {
    /// Since 1970-01-01T00:00:00Z.
    package let seconds: Int64
    package let description: String

    /// The date of the credential scope, `20130524`.
    package var day: Substring { description.prefix(8) }

    /// - Parameter seconds: since 1970, in the years 1970 to 9999; clamped to them.
    package init(seconds: Int64) {
        let seconds = min(max(seconds, 0), 253_402_300_799)
        self.seconds = seconds
        let (day, ofDay) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let date = CivilDate(daysSince1970: day)
        func padded(_ number: Int64, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: width - digits.utf8.count) + digits
        }
        self.description =
            padded(date.year, 4) + padded(date.month, 2) + padded(date.day, 2) + "T" + padded(ofDay / 3600, 2)
            + padded(ofDay / 60 % 60, 2)
            + padded(ofDay % 60, 2) + "Z"
    }

    /// Nil unless the text is a moment in exactly this form.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 16, bytes[8] == UInt8(ascii: "T"), bytes[15] == UInt8(ascii: "Z") else { return nil }
        func number(_ range: Range<Int>) -> Int64? {
            var value: Int64 = 0
            for byte in bytes[range] {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                value = value * 10 + Int64(byte - UInt8(ascii: "0"))
            }
            return value
        }
        guard let year = number(0..<4), let month = number(4..<6), let date = number(6..<8), let hour = number(9..<11),
            let minute = number(11..<13), let second = number(13..<15), year >= 1970, (1...12).contains(month),
            (1...31).contains(date), hour < 24, minute < 60, second < 60
        else { return nil }
        let day = CivilDate.daysSince1970(year: year, month: month, day: date)
        let found = CivilDate(daysSince1970: day)
        guard found.month == month, found.day == date else { return nil }
        self.seconds = day * 86_400 + hour * 3600 + minute * 60 + second
        self.description = text
    }
}
