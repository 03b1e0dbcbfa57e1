import Glibc

/// Writes heads and local replies into the worker's write buffer. What does not fit is not written and
/// remembered in `overflowed`, so that the check stands once, at the end.
struct ByteWriter {
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    private(set) var count = 0
    private(set) var overflowed = false

    init(_ buffer: UnsafeMutableRawBufferPointer) {
        base = buffer.baseAddress!
        capacity = buffer.count
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// What was written has gone out.
    mutating func removeAll() { count = 0 }

    @inline(__always)
    mutating func put(_ source: UnsafeRawPointer, _ length: Int) {
        guard count + length <= capacity else {
            overflowed = true
            return
        }
        memcpy(base + count, source, length)
        count += length
    }

    @inline(__always)
    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        if let source = bytes.baseAddress { put(source, bytes.count) }
    }

    @inline(__always)
    mutating func put(_ text: StaticString) { put(text.utf8Start, text.utf8CodeUnitCount) }

    @inline(__always)
    mutating func put(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { put($0) }
    }

    @inline(__always)
    mutating func put(byte: UInt8) {
        guard count < capacity else {
            overflowed = true
            return
        }
        base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    /// Room for up to `bound` bytes that the caller fills in place; nil, and `overflowed`, where there is
    /// less.
    @inline(__always)
    mutating func room(for bound: Int) -> UnsafeMutableRawPointer? {
        guard count + bound <= capacity else {
            overflowed = true
            return nil
        }
        return base + count
    }

    /// Bytes of the last `room` are filled.
    @inline(__always)
    mutating func fill(to end: UnsafeMutableRawPointer) { count = end - base }

    mutating func put(decimal value: UInt64) {
        // Why: statuses, lengths of small bodies and the parts of an address have three digits at most.
        if value < 1000 {
            if value >= 100 { put(byte: UInt8(truncatingIfNeeded: value / 100) &+ 0x30) }
            if value >= 10 { put(byte: UInt8(truncatingIfNeeded: value / 10 % 10) &+ 0x30) }
            put(byte: UInt8(truncatingIfNeeded: value % 10) &+ 0x30)
            return
        }
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var at = 20
        var rest = value
        repeat {
            at -= 1
            digits[at] = UInt8(truncatingIfNeeded: rest % 10) &+ 0x30
            rest /= 10
        } while rest > 0
        for index in at..<20 { put(byte: digits[index]) }
    }

    mutating func put(hexadecimal value: UInt64) {
        var shift = 60
        while shift > 0 && (value >> UInt64(shift)) & 0xF == 0 { shift -= 4 }
        while shift >= 0 {
            let nibble = UInt8(truncatingIfNeeded: value >> UInt64(shift)) & 0xF
            put(byte: nibble < 10 ? nibble + 0x30 : nibble + 0x57)
            shift -= 4
        }
    }

    /// All sixteen digits.
    mutating func put(digits value: UInt64) {
        for shift in stride(from: UInt64(60), through: 0, by: -4) {
            let nibble = UInt8(truncatingIfNeeded: value >> shift) & 0xF
            put(byte: nibble < 10 ? nibble + 0x30 : nibble + 0x57)
        }
    }

    /// Takes out a `/v1` segment that begins at `mark`, because one stands in front of it already.
    mutating func removeDuplicateV1(from mark: Int) {
        let length = count - mark
        guard length >= 3, !overflowed, memcmp(base + mark, "/v1", 3) == 0 else { return }
        guard length == 3 || base.load(fromByteOffset: mark + 3, as: UInt8.self) == 0x2F else { return }
        memmove(base + mark, base + mark + 3, length - 3)
        count -= 3
    }
}
