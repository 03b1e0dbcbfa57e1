/// Finding the next octet that matters, sixteen at a time.
///
/// Every scan takes the first offset to look at and the end of what may be read, never loads beyond that
/// end, and returns the offset of what it found, or the end.
///
/// Why vectors are compared with vectors: `v .< 0x20`, against a scalar, compiles to sixteen scalar steps
/// through the stack, and nothing warns.
enum ByteScan {
    typealias Lanes = SIMD16<UInt8>
    static let laneCount = 16

    /// The end of a field name or method: the first octet that is no `tchar` (RFC 9110 §5.6.2).
    @inline(__always)
    static func tokenEnd(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Int {
        // Names are letters and hyphens with rare exceptions, so only those are looked for in vectors.
        var offset = start
        while offset &+ laneCount <= end {
            let lanes = load(base, offset)
            let letters = ((lanes | repeating(0x20)) &- repeating(0x61)) .< repeating(26)
            let stop = firstLane(.!(letters .| (lanes .== repeating(0x2D))))
            offset &+= stop
            if stop == laneCount { continue }
            let byte = octet(base, offset)
            if byte == UInt8(ascii: ":") || !ByteSet.token.contains(byte) { return offset }
            offset &+= 1
        }
        while offset < end, ByteSet.token.contains(octet(base, offset)) { offset &+= 1 }
        return offset
    }

    /// The end of the letters, digits, hyphens and dots that a host name is mostly made of.
    @inline(__always)
    static func hostNameEnd(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Int {
        var offset = start
        while offset &+ laneCount <= end {
            let lanes = load(base, offset)
            let letters = ((lanes | repeating(0x20)) &- repeating(0x61)) .< repeating(26)
            let digits = (lanes &- repeating(0x30)) .< repeating(10)
            // `-` and `.` are neighbours.
            let marks = (lanes &- repeating(0x2D)) .< repeating(2)
            let stop = firstLane(.!(letters .| digits .| marks))
            offset &+= stop
            if stop < laneCount { break }
        }
        return offset
    }

    /// The end of a field value or reason phrase: the first control octet other than HTAB.
    @inline(__always)
    static func valueEnd(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Int {
        var offset = start
        while offset &+ laneCount <= end {
            let lanes = load(base, offset)
            let stop = firstLane((lanes .< repeating(0x20)) .| (lanes .== repeating(Byte.del)))
            offset &+= stop
            if stop == laneCount { continue }
            if octet(base, offset) != Byte.htab { return offset }
            offset &+= 1
        }
        while offset < end {
            let byte = octet(base, offset)
            if (byte < 0x20 && byte != Byte.htab) || byte == Byte.del { return offset }
            offset &+= 1
        }
        return end
    }

    /// The end of a request target: the first space or control octet.
    @inline(__always)
    static func targetEnd(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Int {
        var offset = start
        while offset &+ laneCount <= end {
            let lanes = load(base, offset)
            let stop = firstLane((lanes .<= repeating(Byte.space)) .| (lanes .== repeating(Byte.del)))
            offset &+= stop
            if stop < laneCount { return offset }
        }
        while offset < end {
            let byte = octet(base, offset)
            if byte <= Byte.space || byte == Byte.del { return offset }
            offset &+= 1
        }
        return end
    }

    /// The next octet that a path has to be looked at for: `%`, `.`, `?`, `#`, a backslash, or one beyond
    /// ASCII.
    @inline(__always)
    static func pathSpecial(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Int {
        var offset = start
        while offset &+ laneCount <= end {
            let lanes = load(base, offset)
            let escapes = (lanes .== repeating(0x25)) .| (lanes .== repeating(0x2E))
            let ends = (lanes .== repeating(0x3F)) .| (lanes .== repeating(0x23))
            let refused = (lanes .== repeating(0x5C)) .| (lanes .>= repeating(0x80))
            let stop = firstLane(escapes .| ends .| refused)
            offset &+= stop
            if stop < laneCount { return offset }
        }
        while offset < end {
            switch octet(base, offset) {
            case 0x23, 0x25, 0x2E, 0x3F, 0x5C, 0x80...: return offset
            default: offset &+= 1
            }
        }
        return end
    }

    /// The first `byte`.
    @inline(__always)
    static func first(_ byte: UInt8, _ base: UnsafeRawPointer, from start: Int, end: Int) -> Int {
        var offset = start
        while offset &+ laneCount <= end {
            let stop = firstLane(load(base, offset) .== repeating(byte))
            offset &+= stop
            if stop < laneCount { return offset }
        }
        while offset < end, octet(base, offset) != byte { offset &+= 1 }
        return offset
    }

    @inline(__always)
    static func octet(_ base: UnsafeRawPointer, _ offset: Int) -> UInt8 {
        base.load(fromByteOffset: offset, as: UInt8.self)
    }

    @inline(__always)
    static func load(_ base: UnsafeRawPointer, _ offset: Int) -> Lanes {
        base.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
    }

    /// Why a function: a literal within a comparison may be taken for a scalar, and then each lane is
    /// compared by itself.
    @inline(__always)
    static func repeating(_ byte: UInt8) -> Lanes { Lanes(repeating: byte) }

    /// The index of the first set lane, or `laneCount`.
    @inline(__always)
    static func firstLane(_ mask: SIMDMask<SIMD16<Int8>>) -> Int {
        let halves = unsafeBitCast(mask, to: SIMD2<UInt64>.self)
        if halves[0] != 0 { return halves[0].trailingZeroBitCount &>> 3 }
        return 8 &+ halves[1].trailingZeroBitCount &>> 3
    }
}
