/// Why a chunked body was refused. Its framing is lost: nothing behind the octet can be believed.
enum ChunkedError: Error, Equatable, CaseIterable {
    /// No hexadecimal digit where a chunk size begins, or something other than `;` or CRLF behind one.
    case sizeInvalid
    /// More than 16 digits, or 2⁶³ and more.
    case sizeTooLarge
    /// A control octet other than HTAB in a chunk extension: NUL, a CR without LF, a bare LF.
    case extensionInvalid
    /// More than `ChunkedDecoder.extensionBytesMax`.
    case extensionTooLong
    /// A size line that does not end in CRLF, or chunk data that is not followed by CRLF.
    case lineEndInvalid
}

/// The chunked transfer coding (RFC 9112 §7.1), read strictly and in place on the loop's own buffer.
///
///     sizeStart ──digit──▶ size ──;──▶ extension
///      ▲                    └────CR──────┴──────▶ sizeLF ──size 0──▶ finished
///      │                                           └──▶ data ──▶ dataCR ──▶ dataLF ──┐
///      └────────────────────────────────────────────────────────────────────────────┘
///
/// Octets are forwarded as they come, also those of a size line of which the rest is still to come: nothing
/// is held back, so no octet ever has to be emitted again and nothing needs room. This works because
/// leading zeros of a size are dropped: the first digit forwarded is one of a chunk that has data, and the
/// last-chunk line, which must not be forwarded, is nothing but zeros. Also dropped are chunk extensions.
/// Everything else passes as it is.
///
/// What follows from that for the writer of `.framed` output:
/// - behind `.trailers` it writes the end itself: `0 CRLF`, forwarded trailer lines, CRLF;
/// - it may write something of its own between two pieces only while `isAtChunkBoundary`.
///
/// Any split of the input gives the same output in sum. After `.invalid` and `.trailers` nothing more is
/// consumed and the answer stays.
struct ChunkedDecoder: Equatable {
    /// Most octets of the extensions of one size line, the `;` included.
    static let extensionBytesMax = 256
    /// Most digits of one chunk size, leading zeros included.
    static let digitsMax = 16

    /// The size while it is being read, then the octets of chunk data still to come.
    private var remaining: UInt64 = 0
    private var digitCount: UInt8 = 0
    private var extensionBytes: UInt16 = 0
    private var state = State.sizeStart

    private enum State: Equatable {
        case sizeStart, size, `extension`, sizeLF, data, dataCR, dataLF, finished
        case failed(ChunkedError)
    }

    /// What comes next is the size of a chunk: one of ours may go before it.
    var isBetweenChunks: Bool { state == .sizeStart }

    enum Output {
        /// Chunk framing kept; extensions, leading zeros and the last-chunk line dropped.
        case framed
        /// The content alone.
        case data
    }

    enum Progress: Equatable {
        case more
        /// The last-chunk line was consumed and not forwarded. What follows `consumed` is the trailer
        /// section.
        case trailers
        /// `consumed` is at the octet that is wrong; what was forwarded before it is sound.
        case invalid(ChunkedError)
    }

    struct Result: Equatable {
        /// Octets of the input that need no second look: all of them if `.more`.
        var consumed: Int
        /// Octets at the front of the buffer to be sent on.
        var forwarded: Int
        var progress: Progress
        /// Octets of content among those consumed, for body limits.
        var dataBytes: Int
    }

    init() {}

    /// What was forwarded so far, `.framed`, ends between two chunks.
    var isAtChunkBoundary: Bool {
        switch state {
        case .sizeStart, .finished: true
        case .size, .extension, .sizeLF: remaining == 0
        case .data, .dataCR, .dataLF, .failed: false
        }
    }

    /// Consumes from the front of `bytes` and moves what is to be forwarded to the front,
    /// `bytes[0..<forwarded]`. Nothing is moved where nothing is dropped. Content is never looked at.
    mutating func decode(_ bytes: UnsafeMutableRawBufferPointer, output: Output) -> Result {
        var sieve = Sieve(bytes, keepsFraming: output == .framed)
        var dataBytes = 0
        while sieve.offset < bytes.count {
            switch state {
            case .data:
                let available = UInt64(truncatingIfNeeded: bytes.count &- sieve.offset)
                let count = Int(truncatingIfNeeded: min(remaining, available))
                sieve.keep(count)
                dataBytes &+= count
                remaining &-= UInt64(truncatingIfNeeded: count)
                if remaining == 0 { state = .dataCR }
            case .sizeStart, .size, .extension, .sizeLF, .dataCR, .dataLF:
                let isSizeLine = state != .dataCR && state != .dataLF
                switch step(bytes[sieve.offset]) {
                // Zeros alone so far: leading ones, or all there is of a last-chunk line.
                case .kept where isSizeLine && remaining == 0: sieve.drop()
                case .kept: sieve.keepFraming()
                case .dropped: sieve.drop()
                case .refused(let error): state = .failed(error)
                }
            case .finished, .failed:
                return result(sieve, dataBytes)
            }
        }
        return result(sieve, dataBytes)
    }

    private func result(_ sieve: Sieve, _ dataBytes: Int) -> Result {
        let progress: Progress
        switch state {
        case .finished: progress = .trailers
        case .failed(let error): progress = .invalid(error)
        case .sizeStart, .size, .extension, .sizeLF, .data, .dataCR, .dataLF: progress = .more
        }
        var sieve = sieve
        return Result(
            consumed: sieve.offset, forwarded: sieve.finish(), progress: progress, dataBytes: dataBytes)
    }

    private enum Step {
        case kept, dropped
        case refused(ChunkedError)
    }

    /// One octet of chunk framing.
    private mutating func step(_ byte: UInt8) -> Step {
        switch state {
        case .sizeStart:
            guard hexDigitValue(byte) != nil else { return .refused(.sizeInvalid) }
            remaining = 0
            digitCount = 0
            extensionBytes = 0
            state = .size
            return sizeOctet(byte)
        case .size:
            return sizeOctet(byte)
        case .extension:
            return extensionOctet(byte)
        case .sizeLF:
            guard byte == Byte.lf else { return .refused(.lineEndInvalid) }
            state = remaining == 0 ? .finished : .data
            return .kept
        case .dataCR:
            guard byte == Byte.cr else { return .refused(.lineEndInvalid) }
            state = .dataLF
            return .kept
        case .dataLF:
            guard byte == Byte.lf else { return .refused(.lineEndInvalid) }
            state = .sizeStart
            return .kept
        case .data, .finished, .failed:
            preconditionFailure("no framing octet in \(state)")
        }
    }

    private mutating func sizeOctet(_ byte: UInt8) -> Step {
        if let digit = hexDigitValue(byte) {
            guard digitCount < ChunkedDecoder.digitsMax, remaining < 1 << 59 else {
                return .refused(.sizeTooLarge)
            }
            digitCount &+= 1
            remaining = remaining << 4 | UInt64(digit)
            return .kept
        }
        if byte == Byte.cr {
            state = .sizeLF
            return .kept
        }
        guard byte == UInt8(ascii: ";") else { return .refused(.sizeInvalid) }
        state = .extension
        return extensionOctet(byte)
    }

    private mutating func extensionOctet(_ byte: UInt8) -> Step {
        if byte == Byte.cr {
            state = .sizeLF
            return .kept
        }
        guard byte >= Byte.space && byte != Byte.del || byte == Byte.htab else {
            return .refused(.extensionInvalid)
        }
        guard extensionBytes < ChunkedDecoder.extensionBytesMax else { return .refused(.extensionTooLong) }
        extensionBytes &+= 1
        return .dropped
    }
}

/// Goes through a buffer once, keeping or dropping, and closes the gaps with as few moves as there are gaps.
private struct Sieve {
    private let base: UnsafeMutableRawPointer?
    private let keepsFraming: Bool
    private(set) var offset = 0
    /// Octets at their final place.
    private var written = 0
    /// Where the kept octets begin that are still to be moved, up to `offset`.
    private var runStart = 0

    init(_ bytes: UnsafeMutableRawBufferPointer, keepsFraming: Bool) {
        base = bytes.baseAddress
        self.keepsFraming = keepsFraming
    }

    mutating func keep(_ count: Int) { offset &+= count }

    mutating func keepFraming() {
        if keepsFraming { offset &+= 1 } else { drop() }
    }

    mutating func drop() {
        moveRun()
        offset &+= 1
        runStart = offset
    }

    /// Octets kept in all.
    mutating func finish() -> Int {
        moveRun()
        runStart = offset
        return written
    }

    private mutating func moveRun() {
        let count = offset &- runStart
        guard count > 0, let base else { return }
        if runStart != written { (base + written).copyMemory(from: base + runStart, byteCount: count) }
        written &+= count
    }
}
