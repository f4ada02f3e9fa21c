import Glibc

/// What this process has taken of the machine.
package struct ProcessUsage: Sendable {
    /// Of all threads, in the kernel too.
    package let cpuSeconds: Double
    package let residentBytes: UInt64

    /// As of now. Blocks for some microseconds.
    package init() {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        cpuSeconds = seconds(usage.ru_utime) + seconds(usage.ru_stime)
        residentBytes = Self.residentPages() * UInt64(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// The second number of /proc/self/statm; 0 where there is no such file.
    private static func residentPages() -> UInt64 {
        let descriptor = unsafe open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = unsafe read(descriptor, &bytes, bytes.count)
        let numbers = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
        return numbers.count > 1 ? UInt64(numbers[1]) ?? 0 : 0
    }
}

/// The wall clock in seconds since 1970.
package func wallClockSeconds() -> Double {
    var now = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}
