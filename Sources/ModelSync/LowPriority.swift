import CLinux
import Glibc

/// Makes this process give way to others: the executor's requests come first.
///
/// To be called before any other thread exists, since threads inherit both priorities from the one that starts them.
///
/// - Parameter niceness: 0 to 19, added to the process's own.
package func lowerPriority(niceness: Int32) {
    // Neither can fail in a way that matters: a sandbox that forbids them leaves the priorities as they are.
    let process = __priority_which_t(PRIO_PROCESS.rawValue)
    _ = setpriority(process, 0, getpriority(process, 0) + niceness)
    _ = clinux_lower_io_priority()
}
