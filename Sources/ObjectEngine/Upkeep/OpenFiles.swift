import Glibc

/// Raises the number of files that the process may have open as far as the system lets it.
///
/// - Returns: how many of them the database may keep open: half, the rest being for sockets and what else there is.
func raiseOpenFileLimit() -> Int32 {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 256 }
    if limit.rlim_cur < limit.rlim_max {
        var raised = limit
        raised.rlim_cur = limit.rlim_max
        // Where it is refused, the limit stays what it was.
        if unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
    }
    return Int32(clamping: min(max(limit.rlim_cur / 2, 128), 1 << 20))
}
