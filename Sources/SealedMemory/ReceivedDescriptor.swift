import Glibc

/// A descriptor that came over a Unix socket, of a kind that is not known yet; closed unless it is taken.
@safe package struct ReceivedDescriptor: ~Copyable, Sendable {
    let number: Int32

    /// - Parameter number: an open descriptor, owned by this value from here on.
    package init(owning number: Int32) { self.number = number }

    deinit { close(number) }

    /// Gives the open descriptor to the caller, who closes it.
    consuming func taken() -> Int32 {
        let number = number
        discard self
        return number
    }
}
