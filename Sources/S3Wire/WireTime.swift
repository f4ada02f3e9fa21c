import Names
import S3Types

/// Moments as S3 writes them.
package enum WireTime {
    private static let monthNames = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    private static let dayNames = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]  // 1970-01-01 was a Thursday

    /// `2026-01-31T23:59:59.000Z`, as in documents.
    ///
    /// - Parameter milliseconds: since 1970, not negative.
    package static func iso8601(milliseconds: Int64) -> String {
        let (seconds, fraction) = max(0, milliseconds).quotientAndRemainder(dividingBy: 1000)
        let (day, clock) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let date = CivilDate(daysSince1970: day)
        return
            "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))T\(hms(clock)).\(padded(fraction, 3))Z"
    }

    /// `Sat, 31 Jan 2026 23:59:59 GMT`, as in headers. Source: RFC 9110, section 5.6.7.
    package static func httpDate(milliseconds: Int64) -> String {
        let (day, clock) = (max(0, milliseconds) / 1000).quotientAndRemainder(dividingBy: 86_400)
        let date = CivilDate(daysSince1970: day)
        return
            "\(dayNames[Int(day % 7)]), \(padded(date.day, 2)) \(monthNames[Int(date.month) - 1]) \(padded(date.year, 4)) \(hms(clock)) GMT"
    }

    /// Seconds since 1970 of a date in that form; nil for any other text (such a condition is ignored).
    package static func seconds(httpDate text: String) -> Int64? {
        let parts = text.pieces(at: " ").filter { !$0.isEmpty }
        guard parts.count == 6, parts[0].hasByteSuffix(","),
            parts[5] == "GMT" || parts[5] == "+0000" || parts[5] == "UTC",
            let day = number(parts[1], count: 1...2), let month = monthNames.firstIndex(of: String(parts[2])),
            let year = number(parts[3], count: 4...4), (1970...9999).contains(year), (1...31).contains(day)
        else { return nil }
        let clock = parts[4].pieces(at: ":")
        guard clock.count == 3, let hour = number(clock[0], count: 2...2), let minute = number(clock[1], count: 2...2),
            let second = number(clock[2], count: 2...2), hour < 24, minute < 60, second < 61
        else { return nil }
        let days = CivilDate.daysSince1970(year: year, month: Int64(month) + 1, day: day)
        return days * 86_400 + hour * 3600 + minute * 60 + second
    }

    private static func number(_ text: Substring, count: ClosedRange<Int>) -> Int64? {
        let isDigits = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return isDigits && count.contains(text.utf8.count) ? Int64(text) : nil
    }

    private static func hms(_ clock: Int64) -> String {
        "\(padded(clock / 3600, 2)):\(padded(clock / 60 % 60, 2)):\(padded(clock % 60, 2))"
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
