/// Sees in the bytes of an answer, as they pass, what it says it used and how much it has generated so far.
///
/// Takes the content alone, chunk framing taken off, in pieces of any size. An event stream (`text/
/// event-stream`) is read event by event: lines end with CR, LF or CRLF, a byte order mark at the start and
/// comments and fields other than `data` are passed over. Anything else is read as one JSON text.
///
/// Understands OpenAI's chat, completions, embeddings and Responses API and what speaks like them, and
/// Anthropic's messages; see `AnswerReader` for where a usage object counts.
///
/// Cost: no allocation, no copy but of keys and numbers that are split over pieces.
struct UsageTap {
    private var reader = AnswerReader()
    private var part = Part.streamStart
    /// Octets of what `part` compares with that were there.
    private var matched: UInt8 = 0
    let isEventStream: Bool
    /// A line of the event that is open has begun.
    private var isInEvent = false
    /// The latest line ended with CR; an LF that follows belongs to it.
    private(set) var isAfterCR = false
    /// The `data: [DONE]` line was seen.
    private(set) var sawDone = false
    /// The latest event that ended had no choices but a usage object at its top.
    private(set) var endedUsageChunk = false
    /// Of the events that have ended.
    private var settledTokens: UInt32 = 0

    /// Where in a line the stream stands.
    private enum Part: UInt8 {
        /// There may be a byte order mark.
        case streamStart
        case lineStart
        /// What may become `data`.
        case name
        /// Behind the colon; a space may follow, which is no part of the value.
        case colon
        case valueStart, value
        /// What may become `[DONE]`.
        case done
        /// To the end of the line.
        case skip
    }

    /// Content up to this many bytes makes one token, as events mostly carry one.
    private static let oneTokenBytesMax: Int64 = 16

    init(isEventStream: Bool) { self.isEventStream = isEventStream }

    // MARK: What was seen

    /// The latest usage object that was whole.
    var reported: AnswerUsage? { reader.settled.isEmpty ? nil : reader.settled.usage }

    /// An estimate from the text that has passed: a quarter of its bytes, at least one for each event with
    /// text. `\n` and the like count one byte, `\u` escapes three.
    var outputTokensSeen: UInt64 { UInt64(settledTokens) + eventTokens }

    /// The part of `outputTokensSeen` that has passed since the latest usage object and is not in it. A whole
    /// answer has none; Anthropic's streams begin with a usage object, and may break off before the next.
    var outputTokensUnreported: UInt64 {
        reader.usageSeen != .none ? 0 : outputTokensSeen - UInt64(reader.tokensAtUsage)
    }

    /// The event stream stands between two events: what is said next would be read as a new one.
    var isAtEventBoundary: Bool {
        guard isEventStream, !isInEvent else { return false }
        return part == .lineStart || (part == .streamStart && matched == 0)
    }

    /// What the answer calls its model.
    var model: AnswerModel { reader.model }

    /// Whether the event that is open may still turn out to be a usage chunk.
    var mayBecomeUsageChunk: Bool {
        reader.choices != .some && reader.mode != .ignored && reader.textBytes == 0 && part != .done
    }

    private var eventTokens: UInt64 {
        let bytes = max(0, reader.textBytes)
        if isEventStream, bytes <= UsageTap.oneTokenBytesMax { return bytes == 0 ? 0 : 1 }
        return UInt64(bytes + 3) / 4
    }

    // MARK: What passes

    struct Stop {
        /// Where the scan stopped.
        let offset: Int
        /// An event ends there, the LF of its last line included if the piece has it.
        let isEventEnd: Bool
    }

    mutating func scan(_ content: UnsafeRawBufferPointer) {
        var offset = 0
        while offset < content.count { offset = scanEvent(content, from: offset).offset }
    }

    /// The content ends here. A line counts without its end.
    mutating func finish() {
        if part == .done, matched == 6 { sawDone = true }
    }

    /// Scans on, at most to the end of one event.
    mutating func scanEvent(_ content: UnsafeRawBufferPointer, from start: Int) -> Stop {
        let end = content.count
        guard let base = content.baseAddress, start < end else { return Stop(offset: end, isEventEnd: false) }
        guard isEventStream else {
            return Stop(offset: reader.read(base, from: start, end: end, isLine: false), isEventEnd: false)
        }
        var offset = start
        while offset < end {
            switch part {
            case .value: offset = reader.read(base, from: offset, end: end, isLine: true)
            case .skip: offset = JSONScan.lineEnd(base, from: offset, end: end)
            case .lineStart: offset = beginLine(base, offset, end)
            case .streamStart, .name, .colon, .valueStart, .done:
                offset &+= match(ByteScan.octet(base, offset)) ? 1 : 0
            }
            guard offset < end else { break }
            // What mostly stands behind the one line of data: its end, and an empty line.
            if part == .value, end &- offset > 1,
                base.loadUnaligned(fromByteOffset: offset, as: UInt16.self) == 0x0A0A
            {
                isAfterCR = false
                endEvent()
                return Stop(offset: offset &+ 2, isEventEnd: true)
            }
            let byte = ByteScan.octet(base, offset)
            guard byte == Byte.lf || byte == Byte.cr else { continue }
            offset &+= 1
            if endLine(byte) {
                if isAfterCR, offset < end, ByteScan.octet(base, offset) == Byte.lf {
                    isAfterCR = false
                    offset &+= 1
                }
                return Stop(offset: offset, isEventEnd: true)
            }
        }
        return Stop(offset: end, isEventEnd: false)
    }

    // MARK: Lines

    /// Takes what is left of the line end before, and the name of the field if it comes whole.
    private mutating func beginLine(_ base: UnsafeRawPointer, _ start: Int, _ end: Int) -> Int {
        var offset = start
        if isAfterCR {
            isAfterCR = false
            if ByteScan.octet(base, offset) == Byte.lf { offset &+= 1 }
        }
        guard offset < end else { return offset }
        let first = ByteScan.octet(base, offset)
        guard first != Byte.lf, first != Byte.cr else { return offset }
        isInEvent = true
        guard first == UInt8(ascii: "d") else {
            part = .skip
            return offset
        }
        guard end &- offset > 4,
            base.loadUnaligned(fromByteOffset: offset, as: UInt32.self) == UInt32(littleEndian: 0x6174_6164),
            ByteScan.octet(base, offset &+ 4) == Byte.colon
        else {
            part = .name
            matched = 1
            return offset &+ 1
        }
        // Past `data: {`, as it is mostly written, in one go.
        guard end &- offset > 6, reader.isAtStart,
            base.loadUnaligned(fromByteOffset: offset &+ 5, as: UInt16.self) == UInt16(littleEndian: 0x7B20)
        else {
            part = .colon
            return offset &+ 5
        }
        part = .value
        return offset &+ 6
    }

    /// - Returns: false if the octet has to be looked at again, as a line's end always has.
    private mutating func match(_ byte: UInt8) -> Bool {
        guard byte != Byte.lf, byte != Byte.cr else { return false }
        switch part {
        case .streamStart:
            guard byte == octet(matched, of: "\u{FEFF}") else {
                part = matched == 0 ? .lineStart : .skip
                isInEvent = matched > 0
                return false
            }
            matched &+= 1
            if matched == 3 { part = .lineStart }
        case .name:
            guard byte == octet(matched, of: "data:") else {
                part = .skip
                return false
            }
            matched &+= 1
            if matched == 5 { part = .colon }
        case .colon:
            part = .valueStart
            return byte == Byte.space
        case .valueStart:
            let isDone = byte == UInt8(ascii: "[") && reader.isAtStart
            part = isDone ? .done : .value
            matched = 0
            return false
        case .done:
            guard byte == octet(matched, of: "[DONE]") else {
                reader.mode = .ignored
                part = .skip
                return false
            }
            matched &+= 1
        case .lineStart, .value, .skip: return false
        }
        return true
    }

    /// Nil beyond the end.
    private func octet(_ index: UInt8, of text: StaticString) -> UInt8? {
        Int(index) < text.utf8CodeUnitCount ? text.utf8Start[Int(index)] : nil
    }

    /// - Returns: whether the line was empty, which ends an event.
    private mutating func endLine(_ byte: UInt8) -> Bool {
        isAfterCR = byte == Byte.cr
        if part == .done {
            if matched == 6 { sawDone = true }
            reader.mode = .ignored
        }
        let isEmpty = part == .lineStart || part == .streamStart && matched == 0
        part = .lineStart
        guard isEmpty else {
            isInEvent = true
            return false
        }
        endEvent()
        return true
    }

    @inline(__always)
    private mutating func endEvent() {
        part = .lineStart
        endedUsageChunk = reader.isWhole && reader.choices == .empty && reader.usageSeen == .atTop
        settledTokens = UInt32(clamping: UInt64(settledTokens) + eventTokens)
        if reader.usageSeen != .none { reader.tokensAtUsage = settledTokens }
        reader.reset()
        isInEvent = false
    }
}
