/// `host [ ":" port ]` as `Host` and the absolute form carry it (RFC 9110 §7.2, RFC 3986 §3.2).
///
/// Narrower than the grammar where two readers could differ: no userinfo, no empty host, no empty port,
/// port at most 65535, no `IPvFuture`, no zone identifier.
enum Authority {
    /// The host's octets, brackets included; nil where `range` is no authority.
    ///
    /// - Parameter readableEnd: what may be read of `base`, for vector loads.
    static func host(in range: ByteRange, of base: UnsafeRawPointer, readableEnd: Int) -> ByteRange? {
        guard !range.isEmpty else { return nil }
        let start = Int(range.start)
        let end = Int(range.end)
        let hostEnd: Int?
        if ByteScan.octet(base, start) == UInt8(ascii: "[") {
            hostEnd = bracketedEnd(base, from: start, end: end)
        } else {
            let plainEnd = min(end, ByteScan.hostNameEnd(base, from: start, end: readableEnd))
            hostEnd = plainEnd == end ? end : regNameEnd(base, from: plainEnd, end: end)
        }
        guard let hostEnd, hostEnd > start, isEndOrPort(base, from: hostEnd, end: end) else { return nil }
        return ByteRange(start: range.start, count: UInt32(truncatingIfNeeded: hostEnd - start))
    }

    /// The end of a `reg-name`; an IPv4 address is one by its spelling. nil for a bad percent-escape.
    private static func regNameEnd(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Int? {
        var offset = start
        while offset < end {
            let byte = ByteScan.octet(base, offset)
            if ByteSet.regName.contains(byte) {
                offset &+= 1
            } else if byte == UInt8(ascii: "%") {
                guard end - offset >= 3,
                    hexDigitValue(ByteScan.octet(base, offset + 1)) != nil,
                    hexDigitValue(ByteScan.octet(base, offset + 2)) != nil
                else { return nil }
                offset &+= 3
            } else {
                break
            }
        }
        return offset
    }

    private static func bracketedEnd(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Int? {
        let close = ByteScan.first(UInt8(ascii: "]"), base, from: start, end: end)
        guard close < end, isIPv6(base, from: start + 1, end: close) else { return nil }
        return close + 1
    }

    private static func isEndOrPort(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Bool {
        if start == end { return true }
        let digits = end - start - 1
        guard ByteScan.octet(base, start) == UInt8(ascii: ":"), digits >= 1, digits <= 5 else { return false }
        var port = 0
        for offset in (start + 1)..<end {
            guard let digit = decimalDigitValue(ByteScan.octet(base, offset)) else { return false }
            port = port * 10 + Int(digit)
        }
        return port <= 65535
    }

    /// RFC 3986 §3.2.2 `IPv6address`: eight groups, or fewer around one `::`; the last two may be an IPv4
    /// address.
    private static func isIPv6(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Bool {
        var offset = start
        var groups = 0
        var hasGap = false
        if end - start >= 2, ByteScan.octet(base, start) == UInt8(ascii: ":") {
            guard ByteScan.octet(base, start + 1) == UInt8(ascii: ":") else { return false }
            hasGap = true
            offset += 2
        }
        while offset < end {
            let groupStart = offset
            while offset < end, hexDigitValue(ByteScan.octet(base, offset)) != nil { offset += 1 }
            if offset < end, ByteScan.octet(base, offset) == UInt8(ascii: ".") {
                guard isIPv4(base, from: groupStart, end: end) else { return false }
                groups += 2
                break
            }
            guard offset > groupStart, offset - groupStart <= 4 else { return false }
            groups += 1
            if offset == end { break }
            guard ByteScan.octet(base, offset) == UInt8(ascii: ":"), offset + 1 < end else { return false }
            offset += 1
            if ByteScan.octet(base, offset) == UInt8(ascii: ":") {
                guard !hasGap else { return false }
                hasGap = true
                offset += 1
            }
        }
        return hasGap ? groups <= 7 : groups == 8
    }

    private static func isIPv4(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Bool {
        var offset = start
        for part in 0..<4 {
            if part > 0 {
                guard offset < end, ByteScan.octet(base, offset) == UInt8(ascii: ".") else { return false }
                offset += 1
            }
            let partStart = offset
            var value = 0
            while offset < end, offset - partStart < 3,
                let digit = decimalDigitValue(ByteScan.octet(base, offset))
            {
                value = value * 10 + Int(digit)
                offset += 1
            }
            let count = offset - partStart
            let hasLeadingZero = count > 1 && ByteScan.octet(base, partStart) == UInt8(ascii: "0")
            guard count > 0, value <= 255, !hasLeadingZero else { return false }
        }
        return offset == end
    }
}
