/// An IP address as 128 bits. IPv4 is held as IPv4-mapped IPv6 (RFC 4291 §2.5.5.2).
struct IPAddress: Equatable {
    var high: UInt64
    var low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// As proxies write one: IPv4 in dotted decimal or IPv6 (RFC 4291 §2.2), in brackets or not, a port
    /// behind it or not. Zones are not accepted.
    init?(parsing text: UnsafeRawBufferPointer) {
        guard let first = text.first else { return nil }
        if first == UInt8(ascii: "[") {
            guard let end = text.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            let behind = UnsafeRawBufferPointer(rebasing: text[(end + 1)...])
            guard behind.isEmpty || behind[0] == Byte.colon && IPAddress.isPort(behind.dropFirst()) else {
                return nil
            }
            self.init(version6: UnsafeRawBufferPointer(rebasing: text[1..<end]))
            return
        }
        guard let colon = text.firstIndex(of: Byte.colon) else {
            self.init(version4: text[...])
            return
        }
        if text[(colon + 1)...].contains(Byte.colon) {
            self.init(version6: text)
        } else {
            guard IPAddress.isPort(text[(colon + 1)...]) else { return nil }
            self.init(version4: text[..<colon])
        }
    }

    private static func isPort(_ text: Slice<UnsafeRawBufferPointer>) -> Bool {
        1...5 ~= text.count && text.allSatisfy { decimalDigitValue($0) != nil }
    }

    private init?(version4 text: Slice<UnsafeRawBufferPointer>) {
        guard let value = IPAddress.dotted(text) else { return nil }
        self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(value))
    }

    /// Four numbers of at most 255, without leading zeros, which some would read as octal.
    private static func dotted(_ text: Slice<UnsafeRawBufferPointer>) -> UInt32? {
        var value: UInt32 = 0
        var parts = 0
        var digits = 0
        var part: UInt32 = 0
        for index in text.startIndex...text.endIndex {
            if index == text.endIndex || text[index] == UInt8(ascii: ".") {
                guard digits > 0, part <= 255, parts < 4 else { return nil }
                value = value << 8 | part
                parts += 1
                digits = 0
                part = 0
            } else {
                guard let digit = decimalDigitValue(text[index]), digits < 3, digits == 0 || part > 0 else {
                    return nil
                }
                part = part * 10 + UInt32(digit)
                digits += 1
            }
        }
        return parts == 4 ? value : nil
    }

    private init?(version6 text: UnsafeRawBufferPointer) {
        var groups = InlineArray<8, UInt16>(repeating: 0)
        var count = 0
        /// Groups in front of `::`.
        var gap: Int?
        var at = 0
        if text.count >= 2, text[0] == Byte.colon {
            guard text[1] == Byte.colon else { return nil }
            gap = 0
            at = 2
        }
        while at < text.count {
            guard count < 8 else { return nil }
            let end = text[at...].firstIndex(of: Byte.colon) ?? text.count
            if end == text.count, text[at...].contains(UInt8(ascii: ".")) {
                guard count <= 6, let value = IPAddress.dotted(text[at...]) else { return nil }
                groups[count] = UInt16(value >> 16)
                groups[count + 1] = UInt16(truncatingIfNeeded: value)
                count += 2
                at = end
                break
            }
            guard 1...4 ~= end - at else { return nil }
            for index in at..<end {
                guard let digit = hexDigitValue(text[index]) else { return nil }
                groups[count] = groups[count] << 4 | UInt16(digit)
            }
            count += 1
            guard end < text.count else { break }
            at = end + 1
            if at < text.count, text[at] == Byte.colon {
                guard gap == nil else { return nil }
                gap = count
                at += 1
            } else if at == text.count {
                return nil
            }
        }
        guard gap == nil ? count == 8 : count < 8 else { return nil }
        self.init(groups, count: count, gap: gap ?? count)
    }

    /// Groups from `gap` on belong to the end.
    private init(_ groups: InlineArray<8, UInt16>, count: Int, gap: Int) {
        var words: (high: UInt64, low: UInt64) = (0, 0)
        for index in 0..<count {
            let place = index < gap ? index : 8 - count + index
            let value = UInt64(groups[index]) << UInt64(48 - 16 * (place & 3))
            if place < 4 { words.high |= value } else { words.low |= value }
        }
        self.init(high: words.high, low: words.low)
    }
}

/// The entries of one `X-Forwarded-For` line from the last to the first: each proxy appends whom it was asked
/// by, so only the end of the list is written by those who are trusted.
struct ForwardedForReader {
    private let value: UnsafeRawBufferPointer
    private var end: Int

    init(_ value: UnsafeRawBufferPointer) {
        self.value = value
        end = value.count
    }

    /// - Returns: nil at the front; `.some(nil)` for an entry that is no address (`unknown`, an obfuscated
    ///   name).
    mutating func next() -> IPAddress?? {
        while end > 0 {
            var last = end
            var start = end
            while start > 0, value[start - 1] != UInt8(ascii: ",") { start -= 1 }
            end = start - 1
            while start < last, isOptionalWhitespace(value[start]) { start += 1 }
            while last > start, isOptionalWhitespace(value[last - 1]) { last -= 1 }
            if last > start {
                return .some(IPAddress(parsing: UnsafeRawBufferPointer(rebasing: value[start..<last])))
            }
        }
        return nil
    }
}
