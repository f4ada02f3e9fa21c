import DurableFiles
import Glibc

/// Makes this process give way to others: the executor's requests come first.
///
/// On Linux niceness is each thread's own, and new threads inherit it from the one that starts them: every thread there
/// is now gets it, and with them all that come later. The disk follows: a thread without an I/O priority of its own has the
/// one that belongs to its niceness.
///
/// Source: sched(7), ioprio_set(2).
///
/// - Parameter niceness: 0 to 19, added to the process's own.
package func lowerPriority(niceness: Int32) {
    let byThread = __priority_which_t(PRIO_PROCESS.rawValue)
    // None of it can fail in a way that matters: a sandbox that forbids it leaves the priorities as they are.
    let threads = (try? SystemDisk().list("/proc/self/task")) ?? ["0"]
    for thread in threads.compactMap({ Int32($0) }) {
        _ = setpriority(byThread, id_t(thread), getpriority(byThread, id_t(thread)) + niceness)
    }
}
