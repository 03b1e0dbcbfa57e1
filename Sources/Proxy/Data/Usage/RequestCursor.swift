import Glibc

/// A place in the JSON text of a request body, and how it goes on from there (RFC 8259): for `RequestScan`,
/// which knows what the members mean.
///
/// Why not `JSONReader`: every request with a body is read here. There an event is made, returned across
/// modules and taken apart again for each token: 3,100 instructions for a chat request of 558 bytes, where
/// this takes 1,100. It takes and refuses exactly the same, which tests and fuzzing hold it to.
///
/// Why all is inlined: in one function the offset, the depth and the stack stay in registers. No cursor is
/// handed to a function that is not.
struct RequestCursor {
    typealias Failure = RequestScan.Failure

    /// As `JSONReader.depthMax`: bits of `objects`.
    static let depthMax = 64

    private let base: UnsafeRawPointer
    private let end: Int
    /// Before `end` as long as anything is open.
    var offset: Int
    /// Open objects and arrays.
    private(set) var depth: Int
    /// Which of those that were opened here are objects, the innermost in the lowest bit.
    private var objects: UInt64 = 0

    /// - Parameter end: behind a brace. That is no blank and no part of a number or a word, so between
    ///   strings nothing but a closing brace can lead to the end, and it is looked for there alone.
    @inline(__always)
    init(_ base: UnsafeRawPointer, end: Int, at offset: Int, depth: Int) {
        self.base = base
        self.end = end
        self.offset = offset
        self.depth = depth
    }

    @inline(__always)
    var isInObject: Bool { objects & 1 == 1 }

    @inline(__always)
    static func isBlank(_ octet: UInt8) -> Bool {
        octet <= Byte.space
            && (octet == Byte.space || octet == Byte.lf || octet == Byte.cr || octet == Byte.htab)
    }

    /// Passes over blanks.
    /// - Returns: the octet behind them.
    @inline(__always)
    mutating func token() -> UInt8 {
        while true {
            let octet = ByteScan.octet(base, offset)
            guard RequestCursor.isBlank(octet) else { return octet }
            offset &+= 1
        }
    }

    // MARK: Objects and arrays

    /// Behind its brace or bracket.
    /// - Returns: false if it is empty, and closed again.
    @inline(__always)
    mutating func open(isObject: Bool) throws(Failure) -> Bool {
        guard depth < RequestCursor.depthMax else { throw .notJSON }
        offset &+= 1
        guard token() != (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
            try passEnd()
            return false
        }
        depth &+= 1
        objects = objects &<< 1 | (isObject ? 1 : 0)
        return true
    }

    /// Behind a value, passes over the comma before the next one, or else over the end of what it is in.
    /// - Returns: whether another one follows.
    @inline(__always)
    mutating func goesOn() throws(Failure) -> Bool {
        let octet = token()
        if octet == UInt8(ascii: ",") {
            offset &+= 1
            return true
        }
        guard octet == (isInObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else { throw .notJSON }
        depth &-= 1
        objects &>>= 1
        try passEnd()
        return false
    }

    /// A closing brace or bracket.
    @inline(__always)
    private mutating func passEnd() throws(Failure) {
        offset &+= 1
        guard offset < end || depth == 0 else { throw .notJSON }
    }

    /// A key and the colon behind it.
    @inline(__always)
    mutating func key() throws(Failure) -> RequestString {
        guard token() == UInt8(ascii: "\"") else { throw .notJSON }
        let key = try string()
        guard token() == UInt8(ascii: ":") else { throw .notJSON }
        offset &+= 1
        return key
    }

    // MARK: Values that hold no other

    /// The string of which the first quote is here.
    @inline(__always)
    mutating func string() throws(Failure) -> RequestString {
        guard let string = RequestString.read(base, from: offset &+ 1, end: end) else { throw .notJSON }
        offset = string.end &+ 1
        return string
    }

    /// A number, or one of `true`, `false` and `null`.
    @inline(__always)
    mutating func scalar() throws(Failure) {
        let stop = RequestCursor.scalarEnd(base, from: offset, end: end)
        guard stop > offset else { throw .notJSON }
        offset = stop
    }

    /// - Returns: `start` if there is no such value.
    static func scalarEnd(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Int {
        let stop = JSONScan.scalarEnd(base, from: start, end: end)
        guard stop > start else { return start }
        let isValid =
            switch ByteScan.octet(base, start) {
            case UInt8(ascii: "t"): isWord("true", base + start, count: stop &- start)
            case UInt8(ascii: "f"): isWord("false", base + start, count: stop &- start)
            case UInt8(ascii: "n"): isWord("null", base + start, count: stop &- start)
            default: numberEnd(base, from: start, end: stop) == stop
            }
        return isValid ? stop : start
    }

    @inline(__always)
    static func isWord(_ word: StaticString, _ start: UnsafeRawPointer, count: Int) -> Bool {
        count == word.utf8CodeUnitCount && memcmp(start, word.utf8Start, word.utf8CodeUnitCount) == 0
    }

    /// - Returns: where a number ends; less than `end` for what is none.
    private static func numberEnd(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Int {
        var offset = start
        if ByteScan.octet(base, offset) == UInt8(ascii: "-") { offset &+= 1 }
        let whole = offset
        offset = digitsEnd(base, from: whole, end: end)
        guard offset > whole else { return start }
        // No zeros go before others.
        guard offset == whole &+ 1 || ByteScan.octet(base, whole) != UInt8(ascii: "0") else { return start }
        if offset < end, ByteScan.octet(base, offset) == UInt8(ascii: ".") {
            let fraction = offset &+ 1
            offset = digitsEnd(base, from: fraction, end: end)
            guard offset > fraction else { return start }
        }
        if offset < end, ByteScan.octet(base, offset) | 0x20 == UInt8(ascii: "e") {
            var exponent = offset &+ 1
            if exponent < end, isSign(ByteScan.octet(base, exponent)) { exponent &+= 1 }
            offset = digitsEnd(base, from: exponent, end: end)
            guard offset > exponent else { return start }
        }
        return offset
    }

    @inline(__always)
    private static func isSign(_ octet: UInt8) -> Bool {
        octet == UInt8(ascii: "+") || octet == UInt8(ascii: "-")
    }

    @inline(__always)
    private static func digitsEnd(_ base: UnsafeRawPointer, from start: Int, end: Int) -> Int {
        var offset = start
        while offset < end, decimalDigitValue(ByteScan.octet(base, offset)) != nil { offset &+= 1 }
        return offset
    }
}
