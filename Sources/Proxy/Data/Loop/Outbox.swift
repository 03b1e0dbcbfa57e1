import Glibc

/// Events of streams on their way to clients: gathered during a turn and sent at its end, one write per
/// client.
///
/// Why not at once: a reader that is woken by each event wakes, reads and sleeps again before the next one,
/// and the wake-ups cost the sender more than the events. Sent back to back, they find it awake. An event
/// waits for the rest of its turn at most.
struct Outbox {
    struct Entry {
        let client: ClientConnection
        let start: Int
        var count: Int
    }

    static let capacity = 128 * 1024
    /// Larger pieces are worth a call of their own.
    static let pieceMax = 4096

    private let storage = UnsafeMutableRawPointer.allocate(byteCount: Outbox.capacity, alignment: 64)
    private var used = 0
    private var entries: [Entry] = []

    func destroy() { storage.deallocate() }

    var isEmpty: Bool { entries.isEmpty }
    /// Entries, those that were taken meanwhile included.
    var count: Int { entries.count }

    /// - Returns: false if there is no room, or if the client's earlier bytes do not stand at the end.
    mutating func append(_ bytes: UnsafeRawBufferPointer, for client: ClientConnection) -> Bool {
        guard bytes.count <= Outbox.pieceMax, used + bytes.count <= Outbox.capacity else { return false }
        if client.outboxEntry >= 0 {
            guard Int(client.outboxEntry) == entries.count - 1 else { return false }
            entries[entries.count - 1].count += bytes.count
        } else {
            client.outboxEntry = Int32(entries.count)
            entries.append(Entry(client: client, start: used, count: bytes.count))
        }
        memcpy(storage + used, bytes.baseAddress!, bytes.count)
        used += bytes.count
        return true
    }

    /// The client's bytes, which are its no more; empty if there are none. Valid until the next `append`.
    mutating func take(for client: ClientConnection) -> UnsafeRawBufferPointer {
        guard client.outboxEntry >= 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        let entry = entries[Int(client.outboxEntry)]
        client.outboxEntry = -1
        return UnsafeRawBufferPointer(start: storage + entry.start, count: entry.count)
    }

    func client(at index: Int) -> ClientConnection { entries[index].client }

    mutating func removeAll() {
        entries.removeAll(keepingCapacity: true)
        used = 0
    }
}
