import Synchronization

/// What exchanges leave for the access log.
typealias RecordRing = TextRing<ExchangeRecord, 16>
/// What they have used.
typealias UsageRing = TextRing<UsageRecord, 4>

/// Records on their way from one worker to a thread of control: a bounded single-producer, single-consumer
/// ring of bytes. The worker never waits: a record that does not fit is dropped and counted.
///
/// Cost: one copy per record; a wake-up of the reader only when it sleeps.
final class TextRing<Record: BitwiseCopyable & Sendable, let textCount: Int>: @unchecked Sendable {
    /// Records are kept whole: one that would cross the end of the storage starts again at its front.
    static var capacity: Int { 1 << 20 }
    /// Bounds a record, so that it always fits an empty ring.
    static var textMax: Int { 1024 }

    let dropped = Atomic<UInt64>(0)
    private let storage = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
    /// Bytes ever written and ever read; the difference is what is waiting.
    private let written = Atomic<Int>(0)
    private let read = Atomic<Int>(0)

    deinit { storage.deallocate() }

    var isEmpty: Bool { written.load(ordering: .acquiring) == read.load(ordering: .acquiring) }

    /// Worker only. Each text is cut at `textMax`.
    /// - Returns: false if the record was dropped.
    @discardableResult
    func append(_ record: Record, texts: RingTexts<textCount>) -> Bool {
        let size = TextRing.size(of: texts)
        let end = written.load(ordering: .relaxed)
        let offset = end & (TextRing.capacity - 1)
        let untilWrap = TextRing.capacity - offset
        let skipped = untilWrap < size ? untilWrap : 0
        guard end + skipped + size - read.load(ordering: .acquiring) <= TextRing.capacity else {
            dropped.add(1, ordering: .relaxed)
            return false
        }
        if skipped > 0 { storage.storeBytes(of: 0, toByteOffset: offset, as: UInt32.self) }
        var at = skipped > 0 ? 0 : offset
        storage.storeBytes(of: UInt32(size), toByteOffset: at, as: UInt32.self)
        at += TextRing.headerSize
        storage.storeBytes(of: record, toByteOffset: at, as: Record.self)
        at += TextRing.fixedSize
        for index in texts.items.indices {
            let text = texts.items[index]
            let count = min(text.count, TextRing.textMax)
            storage.storeBytes(of: UInt16(count), toByteOffset: at, as: UInt16.self)
            if count > 0 {
                storage.advanced(by: at + 2).copyMemory(from: text.baseAddress!, byteCount: count)
            }
            at += (2 + count + 1) & ~1
        }
        written.store(end + skipped + size, ordering: .releasing)
        return true
    }

    /// A record where it lies, for as long as the call that it is handed over to.
    struct Lying {
        /// All of it: its size and three words of nothing, the fixed part, the texts with their lengths.
        let bytes: UnsafeRawBufferPointer

        var record: Record {
            bytes.loadUnaligned(fromByteOffset: TextRing.headerSize, as: Record.self)
        }

        /// One for each text, in their order. Allocates: for whoever needs them.
        var texts: [UnsafeRawBufferPointer] {
            var at = TextRing.headerSize + TextRing.fixedSize
            return (0..<textCount).map { _ in
                let count = Int(bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self))
                defer { at += (2 + count + 1) & ~1 }
                return UnsafeRawBufferPointer(rebasing: bytes[(at + 2)..<(at + 2 + count)])
            }
        }
    }

    /// Reader only: hands over every waiting record, oldest first. The texts live as long as the call.
    func drain(_ take: (Record, [UnsafeRawBufferPointer]) -> Void) {
        drainLying { take($0.record, $0.texts) }
    }

    /// The same, without an allocation of ours.
    func drainLying(_ take: (Lying) -> Void) {
        let end = written.load(ordering: .acquiring)
        var position = read.load(ordering: .relaxed)
        while position < end {
            let offset = position & (TextRing.capacity - 1)
            let size = Int(storage.load(fromByteOffset: offset, as: UInt32.self))
            if size == 0 {
                position += TextRing.capacity - offset
                continue
            }
            take(Lying(bytes: UnsafeRawBufferPointer(start: storage + offset, count: size)))
            position += size
            read.store(position, ordering: .releasing)
        }
        read.store(position, ordering: .releasing)
    }

    /// 16 so that the record after it is aligned.
    static var headerSize: Int { 16 }
    static var fixedSize: Int { (MemoryLayout<Record>.size + 15) & ~15 }

    private static func size(of texts: RingTexts<textCount>) -> Int {
        var size = headerSize + fixedSize
        for index in texts.items.indices { size += (2 + min(texts.items[index].count, textMax) + 1) & ~1 }
        return (size + 15) & ~15
    }
}

/// One per `RecordText`, in its order.
typealias RecordTexts = RingTexts<16>
/// One per `UsageText`, in its order.
typealias UsageTexts = RingTexts<4>

/// The texts of one record, borrowed for the call to `append`; nothing is allocated.
struct RingTexts<let count: Int> {
    var items: InlineArray<count, UnsafeRawBufferPointer>
}
