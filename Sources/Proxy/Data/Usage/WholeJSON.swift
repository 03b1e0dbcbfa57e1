import Glibc

/// A JSON text that is whole within a piece, and passing over what it is made of. Offsets are the piece's; a
/// negative one says that something is not written the usual way: broken, with control characters in strings.
///
/// No offset is compared with an end as long as tokens follow each other: `last` is an octet that ends every
/// token, belongs to none but the text as a whole, and may be read.
///
/// Why what is passed as parameters is so little: it stays in registers.
struct WholeJSON {
    private let base: UnsafeRawPointer
    /// The LF behind a text that stands in one line; the last brace of a whole answer.
    let last: Int
    /// Of the piece; nothing is loaded from there on.
    private let end: Int
    let isLine: Bool

    static let unusual = -1

    /// - Parameters:
    ///   - start: of the text.
    ///   - isLine: the text stands in a `data:` line; a whole answer otherwise.
    /// - Returns: nil if the text does not begin as an object or cannot be whole.
    @inline(__always)
    init?(_ base: UnsafeRawPointer, from start: Int, end: Int, isLine: Bool) {
        guard start < end, ByteScan.octet(base, start) == UInt8(ascii: "{") else { return nil }
        if isLine {
            // The C library's takes what the processor has, at run time: 32 octets or more at a time.
            guard let lf = memchr(base + start, CInt(Byte.lf), end &- start) else { return nil }
            last = UnsafeRawPointer(lf) - base
        } else {
            var last = end &- 1
            while last > start, ByteScan.octet(base, last) <= Byte.space { last &-= 1 }
            guard ByteScan.octet(base, last) == UInt8(ascii: "}") else { return nil }
            self.last = last
        }
        self.base = base
        self.end = end
        self.isLine = isLine
    }

    @inline(__always)
    func octet(_ offset: Int) -> UInt8 { ByteScan.octet(base, offset) }

    /// Whether something may follow there: above 0 and at most `last`, in one comparison.
    @inline(__always)
    func isWithin(_ offset: Int) -> Bool { UInt(bitPattern: offset &- 1) < UInt(bitPattern: last) }

    /// What is there, or behind spaces.
    @inline(__always)
    func token(_ offset: Int) -> Int { octet(offset) > Byte.space ? offset : spaceEnd(offset) }

    @inline(never)
    func spaceEnd(_ start: Int) -> Int {
        var offset = start
        while true {
            switch octet(offset) {
            case Byte.space, Byte.htab: break
            case Byte.lf, Byte.cr: if isLine { return offset }
            default: return offset
            }
            offset &+= 1
        }
    }

    @inline(__always)
    func answerKey(_ start: Int, _ end: Int) -> AnswerKey { AnswerKey(base + start, count: end &- start) }

    /// A key, which a quote should begin: its closing quote, and where its value begins, negative if it does
    /// not.
    @inline(__always)
    func key(_ start: Int) -> (end: Int, value: Int) {
        guard octet(start) == UInt8(ascii: "\"") else { return (start, WholeJSON.unusual) }
        let stop = JSONScan.nameStop(base, from: start &+ 1, end: end)
        // A quote and a colon, as one load gives them.
        guard stop &+ 2 <= end,
            base.loadUnaligned(fromByteOffset: stop, as: UInt16.self)
                == UInt16(littleEndian: 0x3A22)
        else { return unusualKey(start) }
        return (stop, token(stop &+ 2))
    }

    /// One with spaces in it or behind it.
    @inline(never)
    func unusualKey(_ start: Int) -> (end: Int, value: Int) {
        let name = string(start &+ 1)
        guard name.end >= 0, name.escapeBytes == 0 else { return (start, WholeJSON.unusual) }
        let colon = token(name.end &+ 1)
        guard octet(colon) == Byte.colon else { return (start, WholeJSON.unusual) }
        return (name.end, token(colon &+ 1))
    }

    /// The closing quote of a string, from behind the opening one; negative: unusual.
    @inline(__always)
    func stringEnd(_ start: Int) -> Int {
        let stop = JSONScan.nameStop(base, from: start, end: end)
        return stop < end && octet(stop) == UInt8(ascii: "\"") ? stop : string(start).end
    }

    /// The same for what is text: long, and with spaces.
    @inline(__always)
    func textEnd(_ start: Int) -> (end: Int, escapeBytes: Int) {
        // Two passes, but with the processor's widest registers. Control characters are text here.
        if !isLine, let quote = memchr(base + start, 0x22, end &- start) {
            let stop = UnsafeRawPointer(quote) - base
            if memchr(base + start, 0x5C, stop &- start) == nil { return (stop, 0) }
        }
        return string(start)
    }

    /// The same for any string; also, by how much more octets than text its escapes take.
    @inline(never)
    func string(_ start: Int) -> (end: Int, escapeBytes: Int) {
        var offset = start
        var escapeBytes = 0
        while true {
            offset = JSONScan.stringStop(base, from: offset, end: end)
            guard offset < last else { return (WholeJSON.unusual, 0) }
            let byte = octet(offset)
            if byte == UInt8(ascii: "\"") { return (offset, escapeBytes) }
            let escaped = octet(offset &+ 1)
            guard byte == UInt8(ascii: "\\"), escaped >= Byte.space else { return (WholeJSON.unusual, 0) }
            // `\u` and four digits count three.
            escapeBytes &+= escaped == UInt8(ascii: "u") ? 3 : 1
            offset &+= 2
        }
    }

    /// The end of a number or a word, if there is one.
    @inline(__always)
    func scalarEnd(_ start: Int) -> Int {
        // One digit.
        if octet(start) &- 0x30 < 10, octet(start &+ 1) == UInt8(ascii: ",") { return start &+ 1 }
        // `null`
        if start &+ 4 <= last,
            base.loadUnaligned(fromByteOffset: start, as: UInt32.self) == UInt32(littleEndian: 0x6C6C_756E)
        {
            return start &+ 4
        }
        return longScalarEnd(start)
    }

    @inline(never)
    private func longScalarEnd(_ start: Int) -> Int {
        guard JSONScan.isScalar(octet(start)) else { return WholeJSON.unusual }
        let offset = ByteScan.hostNameEnd(base, from: start, end: end)
        return JSONScan.scalarEnd(base, from: offset, end: end)
    }

    /// The end of a container of no interest, from behind its bracket. Counts brackets of either kind as one,
    /// as `AnswerReader` does.
    @inline(never)
    func containerEnd(_ start: Int) -> Int {
        var offset = start
        var depth = 1
        while true {
            offset = JSONScan.nestingStop(base, from: offset, end: end)
            guard offset <= last else { return WholeJSON.unusual }
            switch octet(offset) {
            case UInt8(ascii: "\""):
                offset = stringEnd(offset &+ 1)
                guard offset >= 0 else { return offset }
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth &+= 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth &-= 1
            default: if isLine { return WholeJSON.unusual }
            }
            offset &+= 1
            if depth == 0 { return offset }
        }
    }
}
