import Glibc
import Synchronization

/// Questions of all workers on their way to control. Bounded: at the bound the worker answers 503 itself.
final class Desk: @unchecked Sendable {
    /// Questions that may wait.
    static let waitingMax = 4096
    /// Questions that one thread takes at once. Why few: a slow one holds up those that were taken with it.
    static let takenMax = 16

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let arrived: UnsafeMutablePointer<pthread_cond_t>
    private var waiting: [Question] = []
    private var isClosed = false

    init() {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        arrived = .allocate(capacity: 1)
        arrived.initialize(to: pthread_cond_t())
        let results = (pthread_mutex_init(mutex, nil), pthread_cond_init(arrived, nil))
        precondition(results == (0, 0), "pthread_mutex_init, pthread_cond_init: \(results)")
    }

    deinit {
        pthread_cond_destroy(arrived)
        pthread_mutex_destroy(mutex)
        arrived.deallocate()
        mutex.deallocate()
    }

    /// Questions that wait now.
    var count: Int {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return waiting.count
    }

    /// Worker: never waits for control.
    /// - Returns: false at the bound.
    func ask(_ question: Question) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard waiting.count < Desk.waitingMax, !isClosed else { return false }
        waiting.append(question)
        pthread_cond_signal(arrived)
        return true
    }

    /// Control: waits for questions and takes the oldest, at most `takenMax`; empty when the desk was closed.
    func take() -> [Question] {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while waiting.isEmpty && !isClosed { pthread_cond_wait(arrived, mutex) }
        let taken = Array(waiting.prefix(Desk.takenMax))
        waiting.removeFirst(taken.count)
        if !waiting.isEmpty { pthread_cond_signal(arrived) }
        return taken
    }

    /// Control: nobody answers any more.
    func close() {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        isClosed = true
        pthread_cond_broadcast(arrived)
    }
}
