/// The request target (RFC 9112 §3.2): origin-form, absolute-form of `http` and `https`, and `*` for OPTIONS.
///
/// A path is refused where two readers could read it differently, so that a policy on a path cannot be
/// walked around: dot segments, plain or percent-encoded in any mix, also where an encoded slash or a `;`
/// bounds them; `%00`; a backslash, plain or encoded; escapes that are none; a fragment; octets beyond
/// ASCII. `//` stays, and `%2F` is data. A query may hold any octet but controls, spaces and `#`.
struct TargetParser {
    let base: UnsafeRawPointer
    let start: Int
    let end: Int
    /// No vector load crosses this, the end of the whole head as far as it is there.
    let readableEnd: Int

    /// Fills in path, query and, for the absolute form, authority and host.
    @inline(__always)
    func parse(into head: inout RequestHead) throws(HeadError) {
        if start < end, ByteScan.octet(base, start) == UInt8(ascii: "/") {
            try parsePath(from: start, into: &head)
        } else {
            try parseRareForms(into: &head)
        }
    }

    private func parseRareForms(into head: inout RequestHead) throws(HeadError) {
        if end - start == 1, ByteScan.octet(base, start) == UInt8(ascii: "*") {
            guard head.method == .options else { throw .targetInvalid }
            head.path = range(start, end)
            return
        }
        guard let authorityStart = schemeEnd() else { throw .targetInvalid }
        var authorityEnd = authorityStart
        while authorityEnd < end, !isAuthorityEnd(ByteScan.octet(base, authorityEnd)) { authorityEnd += 1 }
        head.authority = range(authorityStart, authorityEnd)
        guard let host = Authority.host(in: head.authority, of: base, readableEnd: readableEnd) else {
            throw .targetInvalid
        }
        head.host = host
        guard authorityEnd < end, ByteScan.octet(base, authorityEnd) == UInt8(ascii: "/") else {
            head.pathIsImplied = true
            return try parseQuery(from: authorityEnd, into: &head)
        }
        try parsePath(from: authorityEnd, into: &head)
    }

    /// The end of `http://` or `https://`, in any case (RFC 3986 §3.1).
    private func schemeEnd() -> Int? {
        let schemes: InlineArray<2, StaticString> = ["http://", "https://"]
        for index in schemes.indices {
            let count = schemes[index].utf8CodeUnitCount
            guard end - start >= count else { continue }
            let prefix = UnsafeRawBufferPointer(start: base + start, count: count)
            if asciiCaseInsensitiveEqual(prefix, schemes[index]) { return start + count }
        }
        return nil
    }

    private func isAuthorityEnd(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#")
    }

    @inline(__always)
    private func parsePath(from pathStart: Int, into head: inout RequestHead) throws(HeadError) {
        var offset = pathStart
        while true {
            offset = ByteScan.pathSpecial(base, from: offset, end: readableEnd)
            if offset >= end { break }
            switch ByteScan.octet(base, offset) {
            case UInt8(ascii: "."):
                try refuseDotSegment(at: offset, pathStart: pathStart)
                offset &+= 1
            case UInt8(ascii: "%"):
                head.pathHasEscapes = true
                try checkEscape(at: offset, pathStart: pathStart)
                offset &+= 3
            case UInt8(ascii: "?"):
                head.path = range(pathStart, offset)
                return try parseQuery(from: offset, into: &head)
            default:
                throw .targetInvalid
            }
        }
        head.path = range(pathStart, end)
    }

    private func checkEscape(at offset: Int, pathStart: Int) throws(HeadError) {
        guard let byte = escapedByte(at: offset), byte != 0, byte != UInt8(ascii: "\\") else {
            throw .targetInvalid
        }
        if byte == UInt8(ascii: ".") { try refuseDotSegment(at: offset, pathStart: pathStart) }
    }

    /// `offset` is at a dot, plain or encoded: throws if it begins a segment that is `.` or `..`.
    private func refuseDotSegment(at offset: Int, pathStart: Int) throws(HeadError) {
        let followsSlash = ByteScan.octet(base, offset - 1) == UInt8(ascii: "/")
        let followsEscapedSlash = offset - pathStart >= 3 && escapedByte(at: offset - 3) == UInt8(ascii: "/")
        guard followsSlash || followsEscapedSlash else { return }
        var segmentEnd = offset
        for _ in 0..<2 { segmentEnd += dotCount(at: segmentEnd) }
        if isSegmentEnd(segmentEnd) { throw .targetInvalid }
    }

    /// Octets of a dot at `offset`: 1 plain, 3 encoded, 0 where there is none.
    private func dotCount(at offset: Int) -> Int {
        guard offset < end else { return 0 }
        if ByteScan.octet(base, offset) == UInt8(ascii: ".") { return 1 }
        return escapedByte(at: offset) == UInt8(ascii: ".") ? 3 : 0
    }

    private func isSegmentEnd(_ offset: Int) -> Bool {
        guard offset < end else { return true }
        switch ByteScan.octet(base, offset) {
        case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: ";"): return true
        default: return escapedByte(at: offset) == UInt8(ascii: "/")
        }
    }

    /// The octet that a percent-escape at `offset` stands for; nil where there is no valid one.
    private func escapedByte(at offset: Int) -> UInt8? {
        guard end - offset >= 3, ByteScan.octet(base, offset) == UInt8(ascii: "%"),
            let high = hexDigitValue(ByteScan.octet(base, offset + 1)),
            let low = hexDigitValue(ByteScan.octet(base, offset + 2))
        else { return nil }
        return high << 4 | low
    }

    /// `queryStart` is at the `?`, at a `#`, or at the end.
    private func parseQuery(from queryStart: Int, into head: inout RequestHead) throws(HeadError) {
        let fragment = ByteScan.first(UInt8(ascii: "#"), base, from: queryStart, end: end)
        guard fragment == end else { throw .targetInvalid }
        head.query = range(queryStart, end)
    }

    private func range(_ start: Int, _ end: Int) -> ByteRange {
        ByteRange(
            start: UInt32(truncatingIfNeeded: start), count: UInt32(truncatingIfNeeded: end &- start))
    }
}
