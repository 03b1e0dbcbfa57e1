/// Value of `traceparent` (W3C Trace Context, Level 1, §3.2): whose trace a request belongs to.
struct TraceParent: Equatable {
    /// Of 128 bits; not both zero.
    var traceHigh: UInt64
    var traceLow: UInt64
    /// The caller's span; not zero.
    var parentID: UInt64
    /// Bit 0: sampled.
    var flags: UInt8

    static let sampledFlag: UInt8 = 1
    /// `00-`, 32 digits, `-`, 16 digits, `-`, 2 digits.
    static let length = 55

    /// - Returns: nil for what is not valid. Of a later version, what it has in common with this one is read.
    init?(parsing bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= TraceParent.length,
            let version = TraceParent.digits(bytes, 0, 2), bytes[2] == UInt8(ascii: "-"),
            let high = TraceParent.digits(bytes, 3, 16), let low = TraceParent.digits(bytes, 19, 16),
            bytes[35] == UInt8(ascii: "-"), let parent = TraceParent.digits(bytes, 36, 16),
            bytes[52] == UInt8(ascii: "-"), let flags = TraceParent.digits(bytes, 53, 2)
        else { return nil }
        let isWhole =
            version == 0
            ? bytes.count == TraceParent.length
            : bytes.count == TraceParent.length || bytes[TraceParent.length] == UInt8(ascii: "-")
        guard version != 0xFF, isWhole, high | low != 0, parent != 0 else { return nil }
        traceHigh = high
        traceLow = low
        parentID = parent
        self.flags = UInt8(flags)
    }

    /// Lower-case hexadecimal digits alone.
    private static func digits(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ count: Int) -> UInt64? {
        var value: UInt64 = 0
        for index in start..<start + count {
            let digit: UInt8
            switch bytes[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = bytes[index] &- UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = bytes[index] &- UInt8(ascii: "a") &+ 10
            case _: return nil
            }
            value = value << 4 | UInt64(digit)
        }
        return value
    }
}
