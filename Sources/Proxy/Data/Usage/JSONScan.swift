/// Finding the next octet of a JSON text that matters, sixteen at a time; for readers of texts that come in
/// pieces. Takes and returns offsets as `ByteScan` does.
enum JSONScan {
    private typealias Lanes = SIMD16<UInt8>

    /// Within a string: the first quote, backslash or control character.
    @inline(__always)
    static func stringStop(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Int {
        var offset = start
        while offset &+ ByteScan.laneCount <= end {
            let stop = ByteScan.firstLane(stringMarks(base, offset))
            offset &+= stop
            if stop < ByteScan.laneCount { return offset }
            // Long strings: twice as many at a time, once the first sixteen were not all.
            while offset &+ 2 &* ByteScan.laneCount <= end,
                !hasLane(stringMarks(base, offset) .| stringMarks(base, offset &+ ByteScan.laneCount))
            {
                offset &+= 2 &* ByteScan.laneCount
            }
        }
        while offset < end {
            switch ByteScan.octet(base, offset) {
            case 0x22, 0x5C, 0..<0x20: return offset
            default: offset &+= 1
            }
        }
        return end
    }

    @inline(__always)
    private static func stringMarks(_ base: UnsafeRawPointer, _ offset: Int) -> SIMDMask<SIMD16<Int8>> {
        let lanes = ByteScan.load(base, offset)
        let marks = (lanes .== ByteScan.repeating(0x22)) .| (lanes .== ByteScan.repeating(0x5C))
        return marks .| (lanes .< ByteScan.repeating(0x20))
    }

    /// Within a string that is expected to be a name: the first quote, space, `!` or control character, which
    /// are found in one comparison, or backslash.
    @inline(__always)
    static func nameStop(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Int {
        var offset = start
        while offset &+ ByteScan.laneCount <= end {
            let lanes = ByteScan.load(base, offset)
            let stop = ByteScan.firstLane(
                (lanes .<= ByteScan.repeating(0x22)) .| (lanes .== ByteScan.repeating(0x5C)))
            offset &+= stop
            if stop < ByteScan.laneCount { return offset }
        }
        return shortNameStop(base, from: offset, end: end)
    }

    @inline(never)
    private static func shortNameStop(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Int {
        var offset = start
        while offset < end, ByteScan.octet(base, offset) > 0x22, ByteScan.octet(base, offset) != 0x5C {
            offset &+= 1
        }
        return offset
    }

    /// Between strings: the first quote, bracket or brace, or control character.
    @inline(__always)
    static func nestingStop(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Int {
        var offset = start
        while offset &+ ByteScan.laneCount <= end {
            let lanes = ByteScan.load(base, offset)
            // `[` and `{`, `]` and `}` differ in one bit.
            let folded = lanes | ByteScan.repeating(0x20)
            let brackets = (folded .== ByteScan.repeating(0x7B)) .| (folded .== ByteScan.repeating(0x7D))
            let others = (lanes .== ByteScan.repeating(0x22)) .| (lanes .< ByteScan.repeating(0x20))
            let stop = ByteScan.firstLane(brackets .| others)
            offset &+= stop
            if stop < ByteScan.laneCount { return offset }
        }
        while offset < end {
            switch ByteScan.octet(base, offset) {
            case 0x22, 0x5B, 0x5D, 0x7B, 0x7D, 0..<0x20: return offset
            default: offset &+= 1
            }
        }
        return end
    }

    /// The first CR or LF.
    @inline(__always)
    static func lineEnd(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Int {
        var offset = start
        while offset &+ ByteScan.laneCount <= end {
            let lanes = ByteScan.load(base, offset)
            let stop = ByteScan.firstLane(
                (lanes .== ByteScan.repeating(Byte.lf)) .| (lanes .== ByteScan.repeating(Byte.cr)))
            offset &+= stop
            if stop < ByteScan.laneCount { return offset }
        }
        while offset < end, ByteScan.octet(base, offset) != Byte.lf, ByteScan.octet(base, offset) != Byte.cr {
            offset &+= 1
        }
        return offset
    }

    /// The end of a number or a word such as `null`.
    @inline(__always)
    static func scalarEnd(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Int {
        var offset = start
        while offset < end, isScalar(ByteScan.octet(base, offset)) { offset &+= 1 }
        return offset
    }

    /// Letters, digits, `+`, `-` and `.`.
    @inline(__always)
    static func isScalar(_ byte: UInt8) -> Bool {
        ByteSet(low: 0x03FF_6800_0000_0000, high: 0x07FF_FFFE_07FF_FFFE).contains(byte)
    }

    /// The first space or backslash.
    static func wordEnd(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Int {
        var offset = start
        while offset &+ ByteScan.laneCount <= end {
            let lanes = ByteScan.load(base, offset)
            let stop = ByteScan.firstLane(
                (lanes .== ByteScan.repeating(Byte.space)) .| (lanes .== ByteScan.repeating(0x5C)))
            offset &+= stop
            if stop < ByteScan.laneCount { return offset }
        }
        while offset < end, ByteScan.octet(base, offset) != Byte.space,
            ByteScan.octet(base, offset) != 0x5C
        {
            offset &+= 1
        }
        return offset
    }

    @inline(__always)
    private static func hasLane(_ mask: SIMDMask<SIMD16<Int8>>) -> Bool {
        let halves = unsafeBitCast(mask, to: SIMD2<UInt64>.self)
        return halves[0] | halves[1] != 0
    }
}
