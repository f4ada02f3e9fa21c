import Glibc
import Synchronization

/// One thread of the operating system, for work that blocks.
///
/// Its owner joins it; a thread that nobody joins runs until its body returns.
package final class WorkerThread: Sendable {
    private let handle: Mutex<pthread_t?>

    /// Starts at once.
    ///
    /// - Parameters:
    ///   - name: as `top -H` and a debugger show it; the kernel keeps 15 bytes.
    ///   - body: runs once on the thread, which ends when it returns.
    package init(name: String, _ body: @escaping @Sendable () -> Void) {
        let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
        var thread = pthread_t()
        let result = unsafe pthread_create(
            &thread, nil,
            { argument in
                let start = unsafe Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
                nameThisThread(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        // EAGAIN: the machine has no thread left to give. Nothing that was asked for could be done.
        precondition(result == 0, "a thread could not be started: error \(result)")
        self.handle = Mutex(thread)
    }

    /// Waits until the body has returned. Calling it again, or from several threads, waits for nothing more.
    package func join() {
        guard
            let thread = handle.withLock({ handle in
                defer { handle = nil }
                return handle
            })
        else { return }
        pthread_join(thread, nil)
    }

    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
}

/// The C library hides its call for this behind a macro that Swift does not see; the kernel's file does the same.
private func nameThisThread(_ name: String) {
    let descriptor = unsafe open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    let bytes = Array(name.utf8.prefix(15))
    // A thread without its name works as well; there is nobody to tell.
    _ = unsafe write(descriptor, bytes, bytes.count)
    close(descriptor)
}
