import Testing

@testable import Proxy

@Suite(.tags(.fast)) struct ByteQueueTests {
    @Test func `a block is of the smallest class that holds the bytes`() {
        for index in 0..<BlockPool.classCount {
            let capacity = BlockPool.capacity(ofClass: index)
            #expect(BlockPool.sizeClass(for: capacity) == index)
            #expect(BlockPool.sizeClass(for: capacity + 1) == min(index + 1, BlockPool.classCount - 1))
        }
        #expect(BlockPool.sizeClass(for: 0) == 0 && BlockPool.sizeClass(for: 1) == 0)
    }

    @Test func `the largest body that may be looked into fits, with a head and an edit`() {
        #expect(ByteQueue.capacityMax >= 65 << 20)
    }

    @Test func `a block given back is taken again`() {
        let pool = BlockPool()
        let first = pool.take(class: 2)
        let second = pool.take(class: 2)
        #expect(first != second)
        pool.give(first, class: 2)
        #expect(pool.take(class: 2) == first)
        pool.give(first, class: 2)
        pool.give(second, class: 2)
    }

    @Test func `an empty queue has no memory and gives it back when it runs empty`() {
        let pool = BlockPool()
        var queue = ByteQueue()
        #expect(queue.bytes.baseAddress == nil && queue.isEmpty)
        append("abc", to: &queue, pool)
        #expect(queue.bytes.baseAddress != nil && queue.count == 3)
        queue.consume(2, to: pool)
        #expect(String(decoding: queue.bytes, as: UTF8.self) == "c")
        queue.consume(1, to: pool)
        #expect(queue.bytes.baseAddress == nil && queue.isEmpty)
    }

    @Test func `nothing appended takes nothing`() {
        let pool = BlockPool()
        var queue = ByteQueue()
        queue.append(UnsafeRawBufferPointer(start: nil, count: 0), from: pool)
        #expect(queue.bytes.baseAddress == nil)
    }

    @Test(arguments: UInt64(1)...10)
    func `random appends and takings agree with an array`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let pool = BlockPool()
        var queues = [ByteQueue(), ByteQueue()]
        var models: [[UInt8]] = [[], []]
        for _ in 0..<300 {
            let which = Int.random(in: 0...1, using: &random)
            if Bool.random(using: &random) {
                let count = Int.random(
                    in: 0...[10, 300, 5000].randomElement(using: &random)!, using: &random)
                let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
                withExactBytes(bytes) { queues[which].append(UnsafeRawBufferPointer($0), from: pool) }
                models[which] += bytes
            } else if !models[which].isEmpty {
                let count = Int.random(in: 1...models[which].count, using: &random)
                queues[which].consume(count, to: pool)
                models[which].removeFirst(count)
            }
            #expect(queues[which].bytes.elementsEqual(models[which]), "seed \(seed)")
        }
        queues[0].release(to: pool)
        queues[1].release(to: pool)
        #expect(queues[0].isEmpty && queues[1].isEmpty)
    }

    private func append(_ text: String, to queue: inout ByteQueue, _ pool: BlockPool) {
        withExactBytes(text) { queue.append(UnsafeRawBufferPointer($0), from: pool) }
    }
}
