import Glibc

/// A value that threads take in turn, under a mutex of the C library. The C calls are `pthread_mutex_lock(3)`
/// and `pthread_mutex_unlock(3)`.
///
/// Why not `Mutex`: when two threads contend for it, the kernel hands it over, which ThreadSanitizer cannot
/// see; it would then report the mail between control and workers as races.
final class Locked<Value: Sendable>: @unchecked Sendable {
    private var value: Value
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    init(_ value: Value) {
        self.value = value
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        let result = pthread_mutex_init(mutex, nil)
        precondition(result == 0, "pthread_mutex_init failed: errno \(result)")
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body(&value)
    }
}
