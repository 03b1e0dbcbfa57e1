/// Sees whether a `text/event-stream` has come to its `data: [DONE]` line (also `data:[DONE]`): the end as
/// clients know it, after which they close without reading on.
///
/// Takes the stream in pieces of any size, as they are forwarded, with or without chunk framing around and
/// between them, also in the middle of the line. Framing is recognised by its shape, CRLF, hexadecimal
/// digits, CRLF, so the scanner need not be told.
///
/// `[DONE]` is looked for where it can be, at the end: of a longer piece only the last `windowBytes` are
/// read, and of one whose last line cannot be `[DONE]` only that line's end. One that is followed by more
/// than `windowBytes` of other events in the same piece is not seen. Once seen it stays seen.
struct EventStreamScanner: Equatable {
    /// Octets at the end of a piece that may be read. Holds the line even in chunks of one octet each, 12 ×
    /// 6.
    static let windowBytes = 128
    /// Octets at the end of a piece that are skipped in search of the last line's end.
    private static let lineEndsMax = 8

    private(set) var sawDone = false
    /// The last eight octets, the latest in the lowest; zero before the stream.
    private var lastOctets: UInt64 = 0
    private var line = Line.matched(0)
    private var framing = Framing.digits(count: 0, asLine: .matched(0))

    /// How far the current line of the stream agrees with `data: [DONE]`.
    private enum Line: Equatable {
        case matched(UInt8)
        case other

        mutating func take(_ byte: UInt8) {
            guard case .matched(var count) = self else { return }
            let pattern: StaticString = "data: [DONE]"
            // The space behind the colon is optional.
            if count == 5, byte == UInt8(ascii: "[") { count = 6 }
            guard count < pattern.utf8CodeUnitCount, byte == pattern.utf8Start[Int(count)] else {
                self = .other
                return
            }
            self = .matched(count + 1)
        }

        var isDone: Bool { self == .matched(12) }
    }

    /// What may be chunk framing: CRLF, a size, CRLF. `line` waits meanwhile. If it was none, the octets
    /// since were a line end and the beginning of the next line, `asLine`.
    private enum Framing: Equatable {
        case none
        case afterCR
        case digits(count: UInt8, asLine: Line)
        case afterDigitsCR
    }

    init() {}

    mutating func scan(_ piece: UnsafeRawBufferPointer) {
        guard !sawDone, let base = piece.baseAddress else { return }
        keepLast(piece, base)
        var offset = lastLineEnd(piece)
        if offset > 0 {
            line = .other
            framing = .none
        }
        while offset < piece.count {
            take(ByteScan.octet(base, offset))
            if sawDone { return }
            offset &+= 1
        }
    }

    /// The stream, as it has gone on, ends with an empty line: another event may follow.
    /// - Parameter isChunked: it goes on in chunks, and a CRLF ends the last of them.
    func endsEvent(isChunked: Bool) -> Bool {
        var octets = lastOctets
        if isChunked {
            guard octets & 0xFFFF == 0x0D0A else { return false }
            octets >>= 16
        }
        return octets & 0xFFFF == 0x0A0A || octets & 0xFFFF == 0x0D0D || octets & 0xFFFF_FFFF == 0x0D0A_0D0A
    }

    private mutating func keepLast(_ piece: UnsafeRawBufferPointer, _ base: UnsafeRawPointer) {
        if piece.count >= 8 {
            lastOctets = UInt64(
                bigEndian: base.loadUnaligned(fromByteOffset: piece.count &- 8, as: UInt64.self))
        } else {
            for offset in 0..<piece.count { lastOctets = lastOctets << 8 | UInt64(piece[offset]) }
        }
    }

    /// From where on `piece` has to be read: all before belongs to a line that is not `[DONE]`, or lies
    /// outside the window.
    private func lastLineEnd(_ piece: UnsafeRawBufferPointer) -> Int {
        var end = piece.count
        let lowest = max(0, end - EventStreamScanner.lineEndsMax)
        while end > lowest, piece[end - 1] == Byte.lf || piece[end - 1] == Byte.cr { end -= 1 }
        if end > lowest, !canBePartOfDone(piece[end - 1]) { return end }
        return max(0, piece.count - EventStreamScanner.windowBytes)
    }

    /// An octet of the line, or of a chunk size.
    private func canBePartOfDone(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "t"), UInt8(ascii: ":"), UInt8(ascii: " "), UInt8(ascii: "["), UInt8(ascii: "O"),
            UInt8(ascii: "N"), UInt8(ascii: "]"):
            true
        default:
            hexDigitValue(byte) != nil
        }
    }

    private mutating func take(_ byte: UInt8) {
        switch framing {
        case .none:
            takeOfLine(byte)
        case .afterCR:
            if byte == Byte.lf {
                framing = .digits(count: 0, asLine: .matched(0))
            } else {
                endLine(next: .matched(0), byte)
            }
        case .digits(let count, var asLine):
            if hexDigitValue(byte) != nil, count < ChunkedDecoder.digitsMax {
                asLine.take(byte)
                framing = .digits(count: count + 1, asLine: asLine)
            } else if byte == Byte.cr, count > 0 {
                framing = .afterDigitsCR
            } else {
                endLine(next: asLine, byte)
            }
        case .afterDigitsCR:
            framing = .none
            if byte != Byte.lf { endLine(next: .matched(0), byte) }
        }
    }

    private mutating func takeOfLine(_ byte: UInt8) {
        switch byte {
        case Byte.cr:
            // Whether the line ends here or a chunk does is known by what follows.
            framing = .afterCR
        case Byte.lf:
            if line.isDone { sawDone = true }
            line = .matched(0)
        default:
            line.take(byte)
        }
    }

    /// It was no framing: the line ended at the CR.
    private mutating func endLine(next: Line, _ byte: UInt8) {
        framing = .none
        if line.isDone { sawDone = true }
        line = next
        takeOfLine(byte)
    }
}
