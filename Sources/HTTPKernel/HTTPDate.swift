import Glibc

/// Writes the Date field. Source: RFC 9110, section 5.6.7 (IMF-fixdate).
enum HTTPDate {
    /// `date: Sun, 06 Nov 1994 08:49:37 GMT` with its CRLF.
    ///
    /// - Parameter seconds: since 1970-01-01T00:00:00Z, not negative.
    static func field(seconds: Int) -> [UInt8] {
        let dayNames = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]  // 1970-01-01 was a Thursday
        let monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let days = seconds / 86_400
        let time = seconds % 86_400
        let (year, month, day) = civil(days: days)
        let clock = "\(two(time / 3600)):\(two(time / 60 % 60)):\(two(time % 60))"
        return Array("date: \(dayNames[days % 7]), \(two(day)) \(monthNames[month - 1]) \(year) \(clock) GMT\r\n".utf8)
    }

    /// The Gregorian date of a day counted from 1970-01-01: whole eras of 400 years, then years that start in March.
    private static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// The clock of the day, in whole seconds.
    static func now() -> Int { time(nil) }
}
