import Glibc

/// The descriptors of this process: how many are open, and how many may be.
package enum OpenDescriptors {
    /// Raises the soft limit to the hard one, once at the start of a program. Where that is refused it stays what it was.
    ///
    /// - Returns: how many may be open from here on.
    @discardableResult
    package static func raiseLimit() -> Int {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        // It fails for no resource that is there.
        guard unsafe getrlimit(resource, &limit) == 0 else { return fallbackLimit }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = limit.rlim_max
            if unsafe setrlimit(resource, &raised) == 0 { limit = raised }
        }
        return Int(clamping: min(limit.rlim_cur, mostDescriptors))
    }

    /// How many may be open.
    package static var limit: Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return fallbackLimit }
        return Int(clamping: min(limit.rlim_cur, mostDescriptors))
    }

    /// How many are open; nil where the system does not say, or has no descriptor left to say it with.
    ///
    /// Since Linux 6.2 the size of `/proc/self/fd` is their number; before that its entries are counted.
    package static var count: Int? {
        var status = stat()
        if unsafe stat("/proc/self/fd", &status) == 0, status.st_size > 0 { return Int(status.st_size) }
        guard let stream = unsafe opendir("/proc/self/fd") else {
            return errno == EMFILE ? limit : nil
        }
        defer { unsafe closedir(stream) }
        var count = -3  // `.`, `..` and the stream's own
        while unsafe readdir(stream) != nil { count += 1 }
        return max(0, count)
    }

    /// What is kept for connections, files and pipes when something long-lived, such as the memory of a model, wants one.
    package static func reserve(of limit: Int) -> Int { min(64, limit / 6) }

    /// Why something long-lived should not take a descriptor now, in words; nil when it may.
    ///
    /// - Parameter divisor: 2 where each of them may come a second time before the first is let go of.
    package static func shortage(divisor: Int = 1) -> String? {
        let limit = limit
        let most = (limit - reserve(of: limit)) / divisor
        guard let count, count >= most else { return nil }
        let words = unsafe String(cString: strerror(EMFILE))
        return "\(words): \(count) of \(limit) descriptors are open, and models get no more than \(most)"
    }

    private static let fallbackLimit = 256
    /// More than the kernel gives anyone, and far from what shares of it overflow.
    private static let mostDescriptors: rlim_t = 1 << 30
}
