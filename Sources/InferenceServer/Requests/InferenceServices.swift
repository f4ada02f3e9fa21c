package import NIOPosix

/// What all loops' responders share.
package struct InferenceServices: Sendable {
    /// For requests too large for a loop; running.
    let workers: NIOThreadPool
    /// One thread for what must wait neither for a loop nor for the workers: pages of metrics, lines of the log.
    let aside: NIOThreadPool
    /// Verifies signatures; nil where nobody signs.
    let access: RequestAccess?
    let log: AccessLog?

    package init(workers: NIOThreadPool, aside: NIOThreadPool, access: RequestAccess? = nil, log: AccessLog? = nil) {
        self.workers = workers
        self.aside = aside
        self.access = access
        self.log = log
    }
}
