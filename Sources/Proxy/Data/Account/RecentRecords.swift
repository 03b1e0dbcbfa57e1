import Glibc

/// The last records of all workers, for whoever asks what became of a request: a ring of bytes, in which the
/// oldest make room for the newest. Any thread.
///
/// Cost: one copy per record, and memory as far as it was ever filled; a look for a request id goes through
/// all that is there, less than a millisecond for 20,000.
final class RecentRecords: @unchecked Sendable {
    /// A record, taken out.
    struct Kept: Sendable {
        let record: ExchangeRecord
        /// One for each `RecordText`, in its order.
        let texts: [[UInt8]]

        subscript(_ text: RecordText) -> [UInt8] { texts[text.rawValue] }
    }

    /// How far back it goes.
    struct Reach: Equatable, Sendable {
        var count = 0
        /// When the oldest began, in nanoseconds since 1970; 0: there is none.
        var since: UInt64 = 0
    }

    /// Bytes ever written and ever given up.
    private struct Marks: Sendable {
        var written = 0
        var first = 0
        var count = 0
    }

    /// About 20,000 records of usual size.
    static let capacity = 8 << 20

    private let capacity: Int
    private let storage: UnsafeMutableRawPointer
    private let marks = Locked(Marks())

    // Records lie here as they do in the ring that they come from.
    private static let fixedSize = RecordRing.fixedSize
    private static let headerSize = RecordRing.headerSize

    /// - Parameter capacity: a power of two, in bytes; several times the largest record.
    init(capacity: Int = RecentRecords.capacity) {
        precondition(capacity & (capacity - 1) == 0 && capacity >= 128 << 10)
        self.capacity = capacity
        // Memory that nothing has been written to takes no room.
        storage = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { storage.deallocate() }

    func keep(_ lying: RecordRing.Lying) {
        let size = lying.bytes.count
        marks.withLock { marks in
            let untilWrap = capacity - marks.written & (capacity - 1)
            if untilWrap < size {
                makeRoom(untilWrap, &marks)
                storage.storeBytes(of: 0, toByteOffset: capacity - untilWrap, as: UInt32.self)
                marks.written += untilWrap
            }
            makeRoom(size, &marks)
            if let source = lying.bytes.baseAddress {
                memcpy(storage + (marks.written & (capacity - 1)), source, size)
            }
            marks.written += size
            marks.count += 1
        }
    }

    /// - Returns: those that have this id, the newest first, at most `max`.
    func find(requestID: [UInt8], max: Int) -> [Kept] {
        marks.withLock { marks in
            var found: [Int] = []
            forEach(marks) { offset in if hasID(requestID, at: offset) { found.append(offset) } }
            return found.reversed().prefix(max).map { take(at: $0) }
        }
    }

    var reach: Reach {
        marks.withLock { marks in
            guard marks.count > 0 else { return Reach() }
            let offset = firstOffset(marks)
            return Reach(count: marks.count, since: record(at: offset).startedAt)
        }
    }

    // MARK: The ring

    /// Gives up the oldest until `size` bytes are free.
    private func makeRoom(_ size: Int, _ marks: inout Marks) {
        while marks.written + size - marks.first > capacity {
            let offset = marks.first & (capacity - 1)
            let own = Int(storage.load(fromByteOffset: offset, as: UInt32.self))
            if own > 0 { marks.count -= 1 }
            marks.first += own > 0 ? own : capacity - offset
        }
    }

    private func firstOffset(_ marks: Marks) -> Int {
        let offset = marks.first & (capacity - 1)
        return storage.load(fromByteOffset: offset, as: UInt32.self) == 0 ? 0 : offset
    }

    /// Where each begins, the oldest first.
    private func forEach(_ marks: Marks, _ body: (Int) -> Void) {
        var position = marks.first
        while position < marks.written {
            let offset = position & (capacity - 1)
            let size = Int(storage.load(fromByteOffset: offset, as: UInt32.self))
            if size > 0 { body(offset) }
            position += size > 0 ? size : capacity - offset
        }
    }

    private func record(at offset: Int) -> ExchangeRecord {
        storage.load(fromByteOffset: offset + RecentRecords.headerSize, as: ExchangeRecord.self)
    }

    private func hasID(_ requestID: [UInt8], at offset: Int) -> Bool {
        var at = offset + RecentRecords.headerSize + RecentRecords.fixedSize
        for _ in 0..<RecordText.requestID.rawValue {
            at += (2 + Int(storage.load(fromByteOffset: at, as: UInt16.self)) + 1) & ~1
        }
        let count = Int(storage.load(fromByteOffset: at, as: UInt16.self))
        return count == requestID.count && memcmp(storage + at + 2, requestID, count) == 0
    }

    private func take(at offset: Int) -> Kept {
        var at = offset + RecentRecords.headerSize + RecentRecords.fixedSize
        let texts = RecordText.allCases.map { _ in
            let count = Int(storage.load(fromByteOffset: at, as: UInt16.self))
            defer { at += (2 + count + 1) & ~1 }
            return Array(UnsafeRawBufferPointer(start: storage + at + 2, count: count))
        }
        return Kept(record: record(at: offset), texts: texts)
    }
}
