import Glibc

/// Takes the usage chunk out of an event stream that carries it because we asked for it, not the client: the
/// event whose `choices` is an empty array and that has a usage object. Everything else passes byte for byte.
///
/// An event that is split over pieces is held back only while it may still be that chunk, which its `choices`
/// mostly decide early, and up to `heldMax` bytes of it. What is held when the stream ends goes out.
///
/// Cost: nothing is copied where pieces end with events; a partial event is copied once, and what follows a
/// chunk in its piece is moved over it.
struct UsageChunkFilter {
    /// Bytes of one event; a longer one passes.
    static let heldMax = 16 << 10

    /// The beginning of an event that is open.
    private var held = ByteQueue()
    /// What was held and goes out.
    private var passing = ByteQueue()
    /// A part of the event that is open went out, so the rest does.
    private var passesEvent = false
    /// The latest event was taken out, and ended with CR.
    private var dropsLF = false

    /// What has gone out ends with an event: what is said next would be read as a new one.
    var isAtEventBoundary: Bool { !passesEvent }

    /// What goes out, in this order. Valid until the next call.
    struct Output {
        /// Held back before.
        var first: UnsafeRawBufferPointer
        /// Of the piece, in its memory.
        var second: UnsafeRawBufferPointer
    }

    /// - Parameters:
    ///   - piece: content, chunk framing taken off. What goes out of it is moved to its front.
    ///   - tap: scans the piece meanwhile; has scanned all pieces before.
    mutating func take(
        _ piece: UnsafeMutableRawBufferPointer, through tap: inout UsageTap, blocks: BlockPool
    ) -> Output {
        passing.release(to: blocks)
        let content = UnsafeRawBufferPointer(piece)
        var eventStart = 0
        var outputCount = 0
        if !content.isEmpty, tap.isAfterCR, tap.isAtEventBoundary, content[0] == Byte.lf {
            tap.scan(UnsafeRawBufferPointer(rebasing: content[..<1]))
            eventStart = 1
            if !dropsLF { outputCount = 1 }
        }
        if !content.isEmpty { dropsLF = false }
        while eventStart < content.count {
            let stop = tap.scanEvent(content, from: eventStart)
            let event = eventStart..<stop.offset
            eventStart = stop.offset
            if stop.isEventEnd, tap.endedUsageChunk, !passesEvent {
                held.release(to: blocks)
                dropsLF = tap.isAfterCR
            } else if stop.isEventEnd || passesEvent || !tap.mayBecomeUsageChunk
                || held.count + event.count > UsageChunkFilter.heldMax
            {
                pass(event, of: piece, &outputCount)
                passesEvent = !stop.isEventEnd
            } else {
                held.append(UnsafeRawBufferPointer(rebasing: content[event]), from: blocks)
            }
        }
        return Output(
            first: UnsafeRawBufferPointer(passing.bytes),
            second: UnsafeRawBufferPointer(rebasing: content[..<outputCount]))
    }

    /// The stream is over: what is held goes out.
    mutating func finish(blocks: BlockPool) -> UnsafeRawBufferPointer {
        passing.release(to: blocks)
        swap(&passing, &held)
        return UnsafeRawBufferPointer(passing.bytes)
    }

    /// Gives back what it has. Afterwards only a new stream may follow.
    mutating func release(to blocks: BlockPool) {
        held.release(to: blocks)
        passing.release(to: blocks)
    }

    private mutating func pass(
        _ event: Range<Int>, of piece: UnsafeMutableRawBufferPointer, _ outputCount: inout Int
    ) {
        // Only of the first event in a piece something can be held, so `passing` is empty.
        if !held.isEmpty { swap(&passing, &held) }
        if outputCount < event.lowerBound, let base = piece.baseAddress {
            memmove(base + outputCount, base + event.lowerBound, event.count)
        }
        outputCount += event.count
    }
}
