/// What one request has of the account of memory; given back when this goes.
///
/// One task at a time.
package final class MemoryShare {
    private let account: MemoryAccount?
    package private(set) var bytes = 0

    /// - Parameter account: nil where none is kept; everything is granted then.
    package init(_ account: MemoryAccount?) { self.account = account }

    deinit { self.account?.release(self.bytes, for: .need) }

    /// Grows or shrinks to so many bytes. False when it may not grow for this purpose; it stays as it was then.
    package func resize(to bytes: Int, for purpose: MemoryAccount.Purpose) -> Bool {
        precondition(purpose != .stranger, "requests of strangers are not answered from the account")
        guard let account = self.account else { return true }
        if bytes > self.bytes {
            guard account.charge(bytes - self.bytes, for: purpose) else { return false }
        } else if bytes < self.bytes {
            account.release(self.bytes - bytes, for: purpose)
        }
        self.bytes = bytes
        return true
    }
}
