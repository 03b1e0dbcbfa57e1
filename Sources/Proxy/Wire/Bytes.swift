/// Octets with a name, for reading parsers aloud.
enum Byte {
    static let htab: UInt8 = 0x09
    static let lf: UInt8 = 0x0A
    static let cr: UInt8 = 0x0D
    static let space: UInt8 = 0x20
    static let colon: UInt8 = 0x3A
    static let del: UInt8 = 0x7F
    /// CR LF as one load gives it.
    static var crlf: UInt16 { UInt16(littleEndian: 0x0A0D) }
}

/// A set of ASCII octets as two words, so that asking costs a shift and no table in memory.
struct ByteSet {
    /// Bit n: octet n.
    let low: UInt64
    /// Bit n: octet 64 + n.
    let high: UInt64

    /// `tchar` of RFC 9110 §5.6.2.
    static var token: ByteSet { ByteSet(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE) }
    /// `unreserved` of RFC 3986 §2.3.
    static var unreserved: ByteSet { ByteSet(low: 0x03FF_6000_0000_0000, high: 0x47FF_FFFE_87FF_FFFE) }
    /// `unreserved` and `sub-delims`: a `reg-name` of RFC 3986 §3.2.2 but for its percent-escapes.
    static var regName: ByteSet { ByteSet(low: 0x2BFF_7FD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE) }
    /// What a request id may be made of; see `RequestIDRule`.
    static var requestID: ByteSet { ByteSet(low: 0x27FF_E800_0000_0000, high: 0x07FF_FFFE_87FF_FFFF) }

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        let word = byte < 64 ? low : high
        return byte < 128 && (word &>> UInt64(byte & 63)) & 1 == 1
    }
}

/// The value of a hexadecimal digit; nil for any other octet.
@inline(__always)
func hexDigitValue(_ byte: UInt8) -> UInt8? {
    let digit = byte &- 0x30
    if digit < 10 { return digit }
    let letter = (byte | 0x20) &- 0x61
    return letter < 6 ? letter &+ 10 : nil
}

/// The value of a decimal digit; nil for any other octet.
@inline(__always)
func decimalDigitValue(_ byte: UInt8) -> UInt8? {
    let digit = byte &- 0x30
    return digit < 10 ? digit : nil
}

@inline(__always)
func isOptionalWhitespace(_ byte: UInt8) -> Bool {
    byte <= Byte.space && (byte == Byte.space || byte == Byte.htab)
}

@inline(__always)
func asciiLowercased(_ byte: UInt8) -> UInt8 {
    byte &- 0x41 < 26 ? byte | 0x20 : byte
}

/// Whether two runs of octets are equal but for the case of ASCII letters, as field names and most tokens are
/// compared (RFC 9110 §5.1).
func asciiCaseInsensitiveEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
    guard left.count == right.count, let leftBase = left.baseAddress, let rightBase = right.baseAddress else {
        return left.count == right.count
    }
    return asciiCaseInsensitiveEqual(leftBase, rightBase, count: left.count)
}

/// As above, against a literal.
func asciiCaseInsensitiveEqual(_ left: UnsafeRawBufferPointer, _ right: StaticString) -> Bool {
    guard left.count == right.utf8CodeUnitCount, let leftBase = left.baseAddress else {
        return left.count == right.utf8CodeUnitCount
    }
    return asciiCaseInsensitiveEqual(leftBase, UnsafeRawPointer(right.utf8Start), count: left.count)
}

private func asciiCaseInsensitiveEqual(
    _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, count: Int
) -> Bool {
    var index = 0
    while index < count {
        // Most tokens are spelt the usual way: eight octets at a time while they are the same.
        if count &- index >= 8,
            left.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                == right.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        {
            index &+= 8
            continue
        }
        let leftByte = left.load(fromByteOffset: index, as: UInt8.self)
        let rightByte = right.load(fromByteOffset: index, as: UInt8.self)
        if leftByte != rightByte && asciiLowercased(leftByte) != asciiLowercased(rightByte) { return false }
        index &+= 1
    }
    return true
}
