import Glibc

/// The wall clock as RFC 3339 text in UTC with milliseconds, `2026-01-31T23:59:59.123Z`.
package func timestamp() -> String {
    var now = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &now)
    return timestamp(seconds: now.tv_sec, milliseconds: now.tv_nsec / 1_000_000)
}

/// - Parameters:
///   - seconds: since 1970-01-01T00:00:00Z.
///   - milliseconds: 0...999.
package func timestamp(seconds: Int, milliseconds: Int) -> String {
    var time = time_t(seconds)
    var fields = unsafe tm()
    unsafe gmtime_r(&time, &fields)
    func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
    let date =
        unsafe "\(padded(Int(fields.tm_year) + 1900, 4))-\(padded(Int(fields.tm_mon) + 1, 2))-\(padded(Int(fields.tm_mday), 2))"
    let clock =
        unsafe "\(padded(Int(fields.tm_hour), 2)):\(padded(Int(fields.tm_min), 2)):\(padded(Int(fields.tm_sec), 2))"
    return "\(date)T\(clock).\(padded(milliseconds, 3))Z"
}
