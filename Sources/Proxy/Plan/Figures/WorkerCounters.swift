import Synchronization

/// Numbers that only grow, a row of them for each worker: written by that worker alone, read by anyone.
///
/// Cost: a load and a store of each number, without a lock prefix, because nobody else writes the row. Rows
/// begin on cache lines of their own.
final class WorkerCounters: @unchecked Sendable {
    // Why unchecked: the pointer is never changed, and what it points to is atomic.
    private let rows: UnsafeMutablePointer<Atomic<UInt64>>
    /// Numbers from one row to the next.
    private let stride: Int
    let workers: Int
    let count: Int

    private static let perLine = 8

    init(workers: Int, count: Int) {
        self.workers = max(1, workers)
        self.count = count
        stride = (count + WorkerCounters.perLine - 1) / WorkerCounters.perLine * WorkerCounters.perLine
        let bytes = self.workers * stride * MemoryLayout<Atomic<UInt64>>.stride
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        rows = memory.bindMemory(to: Atomic<UInt64>.self, capacity: self.workers * stride)
        for index in 0..<(self.workers * stride) { (rows + index).initialize(to: Atomic(0)) }
    }

    deinit {
        rows.deinitialize(count: workers * stride)
        UnsafeMutableRawPointer(rows).deallocate()
    }

    /// The worker of that index alone.
    @inline(__always)
    func add(_ amount: UInt64, to index: Int, worker: Int) {
        precondition(worker < workers && index < count, "a number that nobody has counted on")
        let number = rows + (worker * stride + index)
        let known = number.pointee.load(ordering: .relaxed)
        number.pointee.store(known &+ amount, ordering: .relaxed)
    }

    /// Over all workers.
    func sum(_ index: Int) -> UInt64 {
        (0..<workers).reduce(0) { $0 &+ rows[$1 * stride + index].load(ordering: .relaxed) }
    }
}
