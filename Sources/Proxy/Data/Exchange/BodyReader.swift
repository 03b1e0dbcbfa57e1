import Glibc

/// How a body leaves us, given how it came.
enum BodyOutput: UInt8 {
    /// Bytes as they are: a known length, or close-delimited to an HTTP/1.0 client.
    case verbatim
    /// Chunked as it came, without extensions.
    case chunked
    /// The content of chunks alone, for an HTTP/1.0 client.
    case content
    /// Close-delimited from the upstream, made into chunks for the client.
    case rechunked
    /// Read and forgotten.
    case nothing

    /// The client gets chunks.
    var isChunked: Bool {
        switch self {
        case .chunked, .rechunked: true
        case .verbatim, .content, .nothing: false
        }
    }
}

/// Follows one body to its end and says which of the bytes at hand go on (RFC 9112 §6, §7).
struct BodyReader {
    private enum State {
        case ended
        case length(UInt64)
        case chunked(ChunkedDecoder)
        /// The last chunk was read; the trailer section has not ended.
        case trailers
        case untilClose
    }

    /// What must be free before and behind the bytes given to `advance`.
    static let headroom = 64

    enum Verdict: Equatable {
        case more
        /// What stands behind `consumed` is the beginning of a trailer section with fields, or too little to
        /// tell.
        case trailers
        case ended
        case invalid
    }

    struct Step {
        /// What goes on, in place.
        var piece: UnsafeRawBufferPointer
        var consumed: Int
        var verdict: Verdict
    }

    private var state: State
    /// Bytes of content seen so far, framing left out.
    private(set) var contentBytes: UInt64 = 0

    init(_ framing: BodyFraming) {
        state =
            switch framing {
            case .none, .length(0): .ended
            case .length(let count): .length(count)
            case .chunked: .chunked(ChunkedDecoder())
            case .untilClose: .untilClose
            }
    }

    var hasEnded: Bool { if case .ended = state { true } else { false } }
    var isUntilClose: Bool { if case .untilClose = state { true } else { false } }
    var isInTrailers: Bool { if case .trailers = state { true } else { false } }

    /// A chunk of ours may follow what has gone on, or bytes of ours, where there are no chunks.
    var isBetweenChunks: Bool {
        switch state {
        case .chunked(let decoder): decoder.isBetweenChunks
        case .untilClose: true
        case .ended, .length, .trailers: false
        }
    }

    /// Bytes still to come, where that is known.
    var remaining: UInt64? {
        switch state {
        case .ended: 0
        case .length(let count): count
        case .chunked, .trailers, .untilClose: nil
        }
    }

    /// The whole body was taken by other means.
    mutating func endWhole(contentBytes: UInt64) {
        state = .ended
        self.contentBytes = contentBytes
    }

    /// The trailer section was read by other means.
    mutating func endTrailers() { state = .ended }

    /// - Parameter bytes: mutable, with `headroom` bytes of ours on both sides: the piece may begin before
    ///   them and end behind them.
    mutating func advance(_ bytes: UnsafeMutableRawBufferPointer, _ output: BodyOutput) -> Step {
        switch state {
        case .ended:
            return Step(
                piece: UnsafeRawBufferPointer(start: bytes.baseAddress, count: 0), consumed: 0,
                verdict: .ended)
        case .trailers:
            return endIfPlain(
                bytes,
                Step(piece: .init(start: bytes.baseAddress, count: 0), consumed: 0, verdict: .trailers),
                output)
        case .length(let left):
            let count = Int(min(left, UInt64(bytes.count)))
            contentBytes += UInt64(count)
            let rest = left - UInt64(count)
            state = rest == 0 ? .ended : .length(rest)
            return Step(
                piece: UnsafeRawBufferPointer(
                    start: bytes.baseAddress, count: output == .nothing ? 0 : count),
                consumed: count, verdict: rest == 0 ? .ended : .more)
        case .untilClose:
            contentBytes += UInt64(bytes.count)
            let piece = output == .rechunked ? BodyReader.frame(bytes) : UnsafeRawBufferPointer(bytes)
            return Step(piece: piece, consumed: bytes.count, verdict: .more)
        case .chunked(var decoder):
            let result = decoder.decode(bytes, output: output == .chunked ? .framed : .data)
            state = .chunked(decoder)
            contentBytes += UInt64(result.dataBytes)
            var step = Step(
                piece: UnsafeRawBufferPointer(
                    start: bytes.baseAddress, count: output == .nothing ? 0 : result.forwarded),
                consumed: result.consumed, verdict: .more)
            switch result.progress {
            case .more: return step
            case .invalid:
                step.verdict = .invalid
                return step
            case .trailers:
                state = .trailers
                step.verdict = .trailers
                return endIfPlain(bytes, step, output)
            }
        }
    }

    /// The usual end: no trailer field, so that CRLF follows at once. The last chunk is put right behind the
    /// piece: its place in the buffer was taken by the one that was read.
    private mutating func endIfPlain(
        _ bytes: UnsafeMutableRawBufferPointer, _ step: Step, _ output: BodyOutput
    ) -> Step {
        guard bytes.count >= step.consumed + 2, bytes[step.consumed] == 0x0D, bytes[step.consumed + 1] == 0x0A
        else {
            return step
        }
        state = .ended
        let consumed = step.consumed + 2
        var piece = step.piece
        if output == .chunked {
            piece = BodyReader.appendLastChunk(to: piece, before: bytes.baseAddress! + consumed)
        }
        return Step(piece: piece, consumed: consumed, verdict: .ended)
    }

    /// - Parameter limit: end of what was consumed. The last chunk goes where the one that was read stood; if
    ///   part of that came with an earlier read, nothing else goes on now, and it is put into the headroom.
    private static func appendLastChunk(
        to piece: UnsafeRawBufferPointer, before limit: UnsafeMutableRawPointer
    ) -> UnsafeRawBufferPointer {
        let last: StaticString = "0\r\n\r\n"
        let end = UnsafeMutableRawPointer(mutating: piece.baseAddress! + piece.count)
        if end + 5 <= limit {
            memcpy(end, last.utf8Start, 5)
            return UnsafeRawBufferPointer(start: piece.baseAddress, count: piece.count + 5)
        }
        precondition(piece.count == 0, "a last chunk that was split follows nothing")
        memcpy(end - 5, last.utf8Start, 5)
        return UnsafeRawBufferPointer(start: end - 5, count: 5)
    }

    /// Puts a chunk header before the bytes and CRLF behind them, within the headroom.
    static func frame(_ bytes: UnsafeMutableRawBufferPointer) -> UnsafeRawBufferPointer {
        var start = bytes.baseAddress!
        let end = start + bytes.count
        end.storeBytes(of: 0x0D, as: UInt8.self)
        end.storeBytes(of: 0x0A, toByteOffset: 1, as: UInt8.self)
        start -= 2
        start.storeBytes(of: 0x0D, as: UInt8.self)
        start.storeBytes(of: 0x0A, toByteOffset: 1, as: UInt8.self)
        var rest = bytes.count
        while rest > 0 {
            start -= 1
            let nibble = UInt8(rest & 0xF)
            start.storeBytes(of: nibble < 10 ? nibble + 0x30 : nibble + 0x57, as: UInt8.self)
            rest >>= 4
        }
        return UnsafeRawBufferPointer(start: start, count: (end - start) + 2)
    }
}
