/// Names an exchange that waits for something from outside its worker: an answer of control, a place at its
/// upstream. One that has ended meanwhile is not found any more.
struct Ticket: Sendable, Hashable {
    /// Index of the worker.
    let worker: Int
    /// Of that worker, never used twice.
    let number: UInt64
}
