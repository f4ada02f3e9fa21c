import Digests
package import S3Types
import Synchronization

/// Derives signing keys and remembers them, since each holds for a whole day.
///
/// Source: "Calculating a signature", AWS Signature Version 4.
package final class SigningKeys: Sendable {
    private struct Entry {
        let secret: Secret
        let key: SigningKey
    }

    private let entries: Mutex<[CredentialScope: Entry]>
    private let limitCount: Int

    /// - Parameter limitCount: how many keys are remembered; beyond it all are forgotten and derived anew.
    package init(limitCount: Int = 4096) {
        self.entries = Mutex([:])
        self.limitCount = limitCount
    }

    package func key(for scope: CredentialScope, secret: Secret) -> SigningKey {
        let remembered = entries.withLock { $0[scope] }
        if let remembered, remembered.secret == secret { return remembered.key }
        let key = SigningKey(scope: scope, secret: secret)
        entries.withLock { entries in
            if entries.count >= limitCount { entries.removeAll(keepingCapacity: true) }
            entries[scope] = Entry(secret: secret, key: key)
        }
        return key
    }
}
