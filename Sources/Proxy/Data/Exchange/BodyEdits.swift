/// Changes of a request body on its way: few, without overlap, kept in the order of their places.
struct BodyEdits {
    struct Edit {
        /// Bytes of the body before it.
        var offset: Int
        /// Bytes that are left out there.
        var removeCount: Int
        /// What comes in their place; lives as long as the process, or as the generation that the exchange
        /// pins.
        var insertion: UnsafeRawBufferPointer
    }

    /// Two defaults of three pieces each, and the usage.
    static let editsMax = 8

    private var edits = InlineArray<8, Edit>(
        repeating: Edit(offset: 0, removeCount: 0, insertion: UnsafeRawBufferPointer(start: nil, count: 0)))
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// By how much the body grows.
    var growth: Int {
        var total = 0
        for index in 0..<count { total += edits[index].insertion.count - edits[index].removeCount }
        return total
    }

    /// Behind those of the same place.
    mutating func add(offset: Int, removeCount: Int = 0, _ insertion: UnsafeRawBufferPointer) {
        precondition(count < BodyEdits.editsMax, "more edits of a body than there are reasons for")
        var place = count
        while place > 0, edits[place - 1].offset > offset {
            edits[place] = edits[place - 1]
            place -= 1
        }
        edits[place] = Edit(offset: offset, removeCount: removeCount, insertion: insertion)
        count += 1
    }

    mutating func add(offset: Int, removeCount: Int = 0, _ insertion: StaticString) {
        add(
            offset: offset, removeCount: removeCount,
            UnsafeRawBufferPointer(start: insertion.utf8Start, count: insertion.utf8CodeUnitCount))
    }

    /// Appends the body as it becomes.
    func write(_ body: UnsafeRawBufferPointer, into queue: inout ByteQueue, from blocks: BlockPool) {
        var at = 0
        for index in 0..<count {
            let edit = edits[index]
            queue.append(UnsafeRawBufferPointer(rebasing: body[at..<edit.offset]), from: blocks)
            queue.append(edit.insertion, from: blocks)
            at = edit.offset + edit.removeCount
        }
        queue.append(UnsafeRawBufferPointer(rebasing: body[at...]), from: blocks)
    }
}
