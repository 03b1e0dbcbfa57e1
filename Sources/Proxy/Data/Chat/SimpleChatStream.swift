/// Makes of the event stream of a chat completion the one that `simple_chat` answers:
///
///     data: {"choices":[{"delta":{"content":"Hi"}}]}  ──▶  data: {"content": "Hi"}
///     data: {"error":{"message":"…"}}                 ──▶  data: {"error": {"message":"…"}}
///     data: [DONE]                                    ──▶  data: [DONE]
///
/// Text goes out as it is written, escapes kept. Events without text (a role alone, the finish, usage) and
/// without data are dropped, comments and fields other than `data` as well. An event that is no JSON object
/// fails the stream: what follows it cannot be trusted to be the rest of this answer.
///
/// Takes the content alone, chunk framing taken off, in pieces of any size; lines end with LF, CRLF or CR,
/// and a byte order mark may go before them. What goes out are whole events, so that anything may be said
/// behind it, and hardly more than came in: at most a quarter.
///
/// Cost: each `data` line is copied once into a pooled block, one that is split over pieces twice.
struct SimpleChatStream {
    enum Progress: Equatable {
        /// More is to come. At the end of the stream: it was cut short.
        case open
        /// `[DONE]` went out. What may follow is dropped.
        case done
        /// Not the stream of a chat completion, or an event is beyond `eventMax`. Nothing goes out any more.
        case failed
    }

    /// Bytes of one event's data, the line that is being read included.
    static let eventMax = 1 << 20

    private(set) var progress = Progress.open
    /// An error of the upstream has gone on.
    private(set) var sawError = false
    /// The beginning of a line that is split over pieces.
    private var line = ByteQueue()
    /// The data of the event that is open, its lines joined by LF.
    private var data = ByteQueue()
    /// The event has a `data` line, be it an empty one.
    private var hasData = false
    private var isFirstLine = true
    /// The latest line ended with CR; an LF that follows belongs to it.
    private var isAfterCR = false

    // MARK: What comes in

    mutating func take(
        _ piece: UnsafeRawBufferPointer, into output: inout ByteQueue, blocks: BlockPool
    ) -> Progress {
        guard let base = piece.baseAddress, !piece.isEmpty else { return progress }
        var offset = 0
        if isAfterCR {
            isAfterCR = false
            if piece[0] == Byte.lf { offset = 1 }
        }
        while offset < piece.count, progress == .open {
            let stop = JSONScan.lineEnd(base, from: offset, end: piece.count)
            let part = UnsafeRawBufferPointer(rebasing: piece[offset..<stop])
            guard data.count + line.count + part.count <= SimpleChatStream.eventMax else {
                return fail(blocks)
            }
            guard stop < piece.count else {
                line.append(part, from: blocks)
                break
            }
            endLine(part, &output, blocks)
            offset = stop + 1
            guard piece[stop] == Byte.cr else { continue }
            if offset == piece.count {
                isAfterCR = true
            } else if piece[offset] == Byte.lf {
                offset += 1
            }
        }
        return progress
    }

    /// The stream is over. What has come of an event counts, if it is whole.
    mutating func finish(into output: inout ByteQueue, blocks: BlockPool) -> Progress {
        if progress == .open {
            endLine(UnsafeRawBufferPointer(start: nil, count: 0), &output, blocks)
            endEvent(&output, blocks)
        }
        release(to: blocks)
        return progress
    }

    /// Gives back what it has.
    mutating func release(to blocks: BlockPool) {
        line.release(to: blocks)
        data.release(to: blocks)
    }

    // MARK: Lines

    /// - Parameter rest: of the line that `line` holds the beginning of.
    private mutating func endLine(
        _ rest: UnsafeRawBufferPointer, _ output: inout ByteQueue, _ blocks: BlockPool
    ) {
        guard !line.isEmpty else { return take(line: rest, &output, blocks) }
        line.append(rest, from: blocks)
        take(line: UnsafeRawBufferPointer(line.bytes), &output, blocks)
        line.release(to: blocks)
    }

    private mutating func take(
        line whole: UnsafeRawBufferPointer, _ output: inout ByteQueue, _ blocks: BlockPool
    ) {
        let line = isFirstLine ? SimpleChatStream.rest(of: whole, behind: "\u{FEFF}") ?? whole : whole
        isFirstLine = false
        guard !line.isEmpty else { return endEvent(&output, blocks) }
        guard var value = SimpleChatStream.rest(of: line, behind: "data") else { return }
        if !value.isEmpty {
            guard value[0] == Byte.colon else { return }
            let isSpaced = value.count > 1 && value[1] == Byte.space
            value = UnsafeRawBufferPointer(rebasing: value[(isSpaced ? 2 : 1)...])
        }
        if hasData { put("\n", &data, blocks) }
        hasData = true
        data.append(value, from: blocks)
    }

    /// Nil where it does not begin so.
    private static func rest(
        of line: UnsafeRawBufferPointer, behind beginning: StaticString
    ) -> UnsafeRawBufferPointer? {
        let count = beginning.utf8CodeUnitCount
        guard line.count >= count else { return nil }
        for index in 0..<count where line[index] != beginning.utf8Start[index] { return nil }
        return UnsafeRawBufferPointer(rebasing: line[count...])
    }

    // MARK: Events

    private mutating func endEvent(_ output: inout ByteQueue, _ blocks: BlockPool) {
        defer {
            data.release(to: blocks)
            hasData = false
        }
        let text = UnsafeRawBufferPointer(data.bytes)
        // Some upstreams keep a connection alive by events without data.
        guard text.contains(where: { $0 > Byte.space }) else { return }
        if SimpleChatStream.rest(of: text, behind: "[DONE]")?.isEmpty ?? false {
            put("data: [DONE]\n\n", &output, blocks)
            progress = .done
        } else if let parts = ChatParts.read(text, holder: "delta") {
            pass(parts, &output, blocks)
        } else {
            progress = .failed
        }
    }

    private mutating func pass(_ parts: ChatParts, _ output: inout ByteQueue, _ blocks: BlockPool) {
        let value: Range<Int>
        if let error = parts.error {
            sawError = true
            // Between tokens there may be line ends, which would end the line that goes out.
            for index in error where data.bytes[index] == Byte.lf { data.bytes[index] = Byte.space }
            put("data: {\"error\": ", &output, blocks)
            value = error
        } else if case .text(let content) = parts.content, content.count > 2 {
            put("data: {\"content\": ", &output, blocks)
            value = content
        } else {
            return
        }
        output.append(UnsafeRawBufferPointer(rebasing: data.bytes[value]), from: blocks)
        put("}\n\n", &output, blocks)
    }

    private mutating func fail(_ blocks: BlockPool) -> Progress {
        release(to: blocks)
        progress = .failed
        return progress
    }

    private func put(_ text: StaticString, _ queue: inout ByteQueue, _ blocks: BlockPool) {
        queue.append(text, from: blocks)
    }
}

extension ByteQueue {
    mutating func append(_ text: StaticString, from pool: BlockPool) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount), from: pool)
    }
}
