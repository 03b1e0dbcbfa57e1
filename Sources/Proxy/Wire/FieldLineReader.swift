/// Reads field lines one after the other, up to the empty line (RFC 9112 §5).
///
/// Strict: a name is a token with the colon right behind it, a value holds visible octets, spaces, HTAB and
/// `obs-text`, a line ends in CRLF, and there is no `obs-fold`.
struct FieldLineReader {
    let base: UnsafeRawPointer
    let end: Int
    private(set) var offset: Int

    enum Step {
        case line(FieldLine)
        /// The empty line was read; `offset` is behind it.
        case end
        case incomplete
    }

    @inline(__always)
    init(_ base: UnsafeRawPointer, from start: Int, end: Int) {
        self.base = base
        self.end = end
        offset = start
    }

    /// - Throws: `.fieldInvalid`.
    @inline(__always)
    mutating func next() throws(HeadError) -> Step {
        let nameStart = offset
        let nameEnd = ByteScan.tokenEnd(base, from: nameStart, end: end)
        guard nameEnd < end else { return .incomplete }
        guard ByteScan.octet(base, nameEnd) == UInt8(ascii: ":"), nameEnd > nameStart else {
            return try emptyLine(nameEnd, isLineStart: nameEnd == nameStart)
        }
        var valueStart = nameEnd &+ 1
        // Nearly always it is one space.
        if valueStart < end, ByteScan.octet(base, valueStart) == Byte.space { valueStart &+= 1 }
        while valueStart < end, isOptionalWhitespace(ByteScan.octet(base, valueStart)) { valueStart &+= 1 }
        let lineEnd = ByteScan.valueEnd(base, from: valueStart, end: end)
        guard try isLineEnd(lineEnd) else { return .incomplete }
        var valueEnd = lineEnd
        while valueEnd > valueStart, isOptionalWhitespace(ByteScan.octet(base, valueEnd &- 1)) {
            valueEnd &-= 1
        }
        offset = lineEnd &+ 2
        let known = FieldClassifier.classify(
            base + nameStart, count: nameEnd &- nameStart, readable: end &- nameStart)
        return .line(
            FieldLine(
                name: range(nameStart, nameEnd), value: range(valueStart, valueEnd), known: known,
                isHopByHop: FieldPolicy.isAlwaysHopByHop(known)))
    }

    /// Whether CRLF is at `stop`; false while it is incomplete.
    @inline(__always)
    private func isLineEnd(_ stop: Int) throws(HeadError) -> Bool {
        let readable = end &- stop
        if readable >= 2, base.loadUnaligned(fromByteOffset: stop, as: UInt16.self) == Byte.crlf {
            return true
        }
        guard readable == 0 || (readable == 1 && ByteScan.octet(base, stop) == Byte.cr) else {
            throw .fieldInvalid
        }
        return false
    }

    /// What is not a name is the empty line, or wrong.
    private mutating func emptyLine(_ stop: Int, isLineStart: Bool) throws(HeadError) -> Step {
        guard isLineStart else { throw .fieldInvalid }
        guard try isLineEnd(stop) else { return .incomplete }
        offset = stop + 2
        return .end
    }

    @inline(__always)
    private func range(_ start: Int, _ end: Int) -> ByteRange {
        ByteRange(
            start: UInt32(truncatingIfNeeded: start), count: UInt32(truncatingIfNeeded: end &- start))
    }
}
