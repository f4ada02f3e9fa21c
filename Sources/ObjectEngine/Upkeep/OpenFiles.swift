import DurableFiles

/// Raises the number of files that the process may have open as far as the system lets it.
///
/// - Returns: how many of them the database may keep open: half, the rest being for sockets and what else there is.
func raiseOpenFileLimit() -> Int32 {
    Int32(clamping: min(max(OpenDescriptors.raiseLimit() / 2, 128), 1 << 20))
}
