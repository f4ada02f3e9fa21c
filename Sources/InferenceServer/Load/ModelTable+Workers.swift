import NIOCore
import NIOPosix
import Telemetry

/// Requests that a worker answers, so that no loop is held up.
extension ModelTable {
    /// Has a worker do what a request asks for; its generation, if it has one, stays until that has been delivered.
    ///
    /// - Parameters:
    ///   - work: on the worker, told for how many nanoseconds it has waited for one.
    ///   - deliver: on the loop, with what came of it.
    func elsewhere<Value: Sendable>(
        _ slot: Slot?, on workers: NIOThreadPool, _ work: @escaping @Sendable (_ waited: UInt64) -> Value,
        deliver: @escaping (Value) -> Void
    ) {
        if let slot { begin(slot) }
        let bound = NIOLoopBound((self, slot, deliver), eventLoop: loop)
        let submitted = Inquiry.now()
        workers.submit { _ in
            let waited = Inquiry.now() &- submitted
            let value = work(waited)
            bound.eventLoop.execute {
                let (table, slot, deliver) = bound.value
                table.statistics.queue.observe(nanoseconds: waited)
                deliver(value)
                if let slot { table.end(slot) }
            }
        }
    }
}
