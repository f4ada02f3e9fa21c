import Glibc

/// A queue whose consumers are threads that sleep while it is empty.
///
/// Its bound is that of its producers: each request waits for what it put in before it puts in more.
@safe final class BlockingQueue<Element: Sendable>: Sendable {
    // Sendable: `waiting` and `isClosed` are touched only under `mutex`; the two cells are never reassigned.
    nonisolated(unsafe) private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    nonisolated(unsafe) private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    nonisolated(unsafe) private var waiting: [Element] = []
    nonisolated(unsafe) private var head = 0
    nonisolated(unsafe) private var isClosed = false

    init() {
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(condition, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    var count: Int { locked { unsafe waiting.count - head } }

    /// Whether it was taken: a closed queue takes nothing more.
    @discardableResult
    func push(_ element: Element) -> Bool {
        locked {
            guard unsafe !isClosed else { return false }
            unsafe waiting.append(element)
            unsafe pthread_cond_signal(condition)
            return true
        }
    }

    /// Waits for an element; nil once the queue is closed and empty.
    func pop() -> Element? {
        locked {
            while unsafe head == waiting.count {
                if unsafe isClosed { return nil }
                unsafe pthread_cond_wait(condition, mutex)
            }
            let element = unsafe waiting[head]
            unsafe head += 1
            // Drops what has been handed out before it outgrows what waits.
            if unsafe head == waiting.count || head >= 256 {
                unsafe waiting.removeFirst(head)
                unsafe head = 0
            }
            return element
        }
    }

    /// Waits for elements and takes all of them, in order; nil once the queue is closed and empty.
    func popAll() -> [Element]? {
        locked {
            while unsafe head == waiting.count {
                if unsafe isClosed { return nil }
                unsafe pthread_cond_wait(condition, mutex)
            }
            let elements = unsafe Array(waiting[head...])
            unsafe waiting.removeAll(keepingCapacity: true)
            unsafe head = 0
            return elements
        }
    }

    /// Lets consumers finish what waits and then end.
    func close() {
        locked {
            unsafe isClosed = true
            unsafe pthread_cond_broadcast(condition)
        }
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return body()
    }
}
