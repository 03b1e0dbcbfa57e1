import Glibc

/// Blocks of memory for bytes that have to wait, by size class, kept for the next user. One per worker.
///
/// A connection owns a block only while it holds an incomplete head, an unsent piece or the notes of an
/// exchange.
final class BlockPool {
    /// 128 B, 512 B, 2 KiB and so on to 128 MiB: a body that is looked into may have 64 MiB (`inspect_body`).
    static let classCount = 11
    /// Free blocks kept per class, so that a burst does not hold its memory for ever.
    private static let keptMax = [1024, 512, 128, 64, 32, 16, 4, 0, 0, 0, 0]
    private var free: [[UnsafeMutableRawPointer]] = Array(repeating: [], count: classCount)

    deinit { for blocks in free { for block in blocks { Glibc.free(block) } } }

    static func sizeClass(for bytes: Int) -> Int {
        var index = 0
        while index < classCount - 1 && capacity(ofClass: index) < bytes { index += 1 }
        return index
    }

    static func capacity(ofClass index: Int) -> Int { 128 << (2 * index) }

    func take(class index: Int) -> UnsafeMutableRawPointer {
        if let block = free[index].popLast() { return block }
        guard let block = malloc(BlockPool.capacity(ofClass: index)) else { fatalError("out of memory") }
        return block
    }

    func give(_ block: UnsafeMutableRawPointer, class index: Int) {
        if free[index].count < BlockPool.keptMax[index] {
            free[index].append(block)
        } else {
            Glibc.free(block)
        }
    }
}

/// Bytes waiting in order: unsent output, an incomplete head. Empty queues own no memory.
///
/// Bounded by its users; `append` beyond the largest class traps, because every caller stops reading long
/// before.
struct ByteQueue {
    private var block: UnsafeMutableRawPointer?
    private var classIndex: UInt8 = 0
    private var start: UInt32 = 0
    private var end: UInt32 = 0

    static let capacityMax = BlockPool.capacity(ofClass: BlockPool.classCount - 1)

    var count: Int { Int(end - start) }
    var isEmpty: Bool { end == start }

    /// Valid until the next change.
    var bytes: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: block.map { $0 + Int(start) }, count: count)
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer, from pool: BlockPool) {
        guard bytes.count > 0, let source = bytes.baseAddress else { return }
        reserve(bytes.count, from: pool)
        memcpy(block! + Int(end), source, bytes.count)
        end += UInt32(bytes.count)
    }

    /// Room for `count` more bytes behind the last.
    private mutating func reserve(_ more: Int, from pool: BlockPool) {
        if let block {
            let capacity = BlockPool.capacity(ofClass: Int(classIndex))
            if Int(end) + more <= capacity { return }
            if count + more <= capacity {
                memmove(block, block + Int(start), count)
                end -= start
                start = 0
                return
            }
        }
        let wanted = count + more
        precondition(wanted <= ByteQueue.capacityMax, "a byte queue outgrew its bound")
        let newClass = BlockPool.sizeClass(for: wanted)
        let grown = pool.take(class: newClass)
        if let block {
            memcpy(grown, block + Int(start), count)
            pool.give(block, class: Int(classIndex))
        }
        end -= start
        start = 0
        block = grown
        classIndex = UInt8(newClass)
    }

    mutating func consume(_ count: Int, to pool: BlockPool) {
        start += UInt32(count)
        if start == end { release(to: pool) }
    }

    /// Forgets the bytes and gives the memory back.
    mutating func release(to pool: BlockPool) {
        if let block { pool.give(block, class: Int(classIndex)) }
        block = nil
        start = 0
        end = 0
    }
}
