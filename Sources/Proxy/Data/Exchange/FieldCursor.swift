/// Writes the pieces of a `RateLimitFieldsPlan` and numbers between them, into room that was made for all of
/// them before: no bound is checked here, and copies go 32 bytes at a time beyond what they are to copy.
struct FieldCursor {
    private(set) var at: UnsafeMutableRawPointer

    /// Bytes of one number or duration, and what a copy or a number may write beyond its end.
    static let numberBytesMax = 24
    static let slackBytes = RateLimitFieldPieces.padding

    init(_ at: UnsafeMutableRawPointer) { self.at = at }

    @inline(__always)
    mutating func put(_ piece: RateLimitFieldPieces.Piece, of base: UnsafeRawPointer) {
        let source = base + piece.start
        var done = 0
        repeat {
            let block = source.loadUnaligned(fromByteOffset: done, as: SIMD32<UInt8>.self)
            at.storeBytes(of: block, toByteOffset: done, as: SIMD32<UInt8>.self)
            done &+= 32
        } while done < piece.count
        at += piece.count
    }

    /// - Parameter number: stands in place of the plan's; nil: the plan's.
    @inline(__always)
    mutating func put(
        _ piece: RateLimitFieldPieces.Numbered, of base: UnsafeRawPointer, number: UInt64?
    ) {
        guard let number else { return put(from: piece.start, to: piece.end, of: base) }
        put(from: piece.start, to: piece.numberStart, of: base)
        put(decimal: number)
        put(from: piece.numberEnd, to: piece.end, of: base)
    }

    @inline(__always)
    private mutating func put(from start: Int, to end: Int, of base: UnsafeRawPointer) {
        put(RateLimitFieldPieces.Piece(start: start, count: end &- start), of: base)
    }

    /// Up to eight bytes, given as a little-endian word.
    @inline(__always)
    mutating func put(word: UInt64, count: Int) {
        at.storeBytes(of: word, as: UInt64.self)
        at += count
    }

    @inline(__always)
    mutating func put(byte: UInt8) {
        at.storeBytes(of: byte, as: UInt8.self)
        at += 1
    }

    @inline(__always)
    mutating func putLineEnd() { put(word: 0x0A0D, count: 2) }

    @inline(__always)
    mutating func put(decimal value: UInt64) {
        // Why: seconds, and what is left of most limits by requests.
        if value < 100 { return put(twoDecimals: value) }
        if value < 100_000_000 { return put(shortDecimal: value) }
        put(longDecimal: value)
    }

    @inline(__always)
    private mutating func put(twoDecimals value: UInt64) {
        let tens = value / 10
        if tens > 0 { put(byte: UInt8(truncatingIfNeeded: tens) &+ 0x30) }
        put(byte: UInt8(truncatingIfNeeded: value &- tens &* 10) &+ 0x30)
    }

    private mutating func put(longDecimal value: UInt64) {
        put(decimal: value / 100_000_000)
        put(word: FieldCursor.digits(of: value % 100_000_000) | FieldCursor.zeros, count: 8)
    }

    /// Below 10⁸, and not 0.
    @inline(__always)
    private mutating func put(shortDecimal value: UInt64) {
        let digits = FieldCursor.digits(of: value)
        let leading = digits.trailingZeroBitCount & ~7
        put(word: (digits | FieldCursor.zeros) &>> UInt64(leading), count: 8 &- leading / 8)
    }

    private static let zeros: UInt64 = 0x3030_3030_3030_3030

    /// The eight digits of a number below 10⁸, one a byte, the first in the lowest: halves of four digits, of
    /// two and of one, divided side by side in one word by multiplications that are exact at that size.
    @inline(__always)
    private static func digits(of value: UInt64) -> UInt64 {
        let fours = value / 10_000 | (value % 10_000) << 32
        let hundreds = (fours &* 10_486) >> 20 & 0x0000_007F_0000_007F
        let twos = hundreds | (fours &- hundreds &* 100) << 16
        let tens = (twos &* 103) >> 10 & 0x000F_000F_000F_000F
        return tens | (twos &- tens &* 10) << 8
    }

    /// As OpenAI writes durations: `120ms`, `1.5s`, `6m0s`, `1h0m0s`; rounded up, from a minute on to
    /// seconds.
    mutating func put(duration nanoseconds: UInt64) {
        let milliseconds = nanoseconds.roundedUpToMilliseconds
        if milliseconds < 60_000 {
            if milliseconds < 1000, milliseconds > 0 {
                put(decimal: milliseconds)
                put(word: 0x736D, count: 2)  // ms
                return
            }
            put(decimal: milliseconds / 1000)
            put(fraction: milliseconds % 1000)
        } else {
            let seconds = (milliseconds &+ 999) / 1000
            if seconds >= 3600 {
                put(decimal: seconds / 3600)
                put(byte: UInt8(ascii: "h"))
            }
            put(decimal: seconds / 60 % 60)
            put(byte: UInt8(ascii: "m"))
            put(decimal: seconds % 60)
        }
        put(byte: UInt8(ascii: "s"))
    }

    /// Thousandths without the zeros at their end.
    @inline(__always)
    private mutating func put(fraction thousandths: UInt64) {
        guard thousandths > 0 else { return }
        put(byte: UInt8(ascii: "."))
        put(byte: UInt8(truncatingIfNeeded: thousandths / 100) &+ 0x30)
        let hundredths = thousandths % 100
        guard hundredths > 0 else { return }
        put(byte: UInt8(truncatingIfNeeded: hundredths / 10) &+ 0x30)
        if hundredths % 10 > 0 { put(byte: UInt8(truncatingIfNeeded: hundredths % 10) &+ 0x30) }
    }
}
