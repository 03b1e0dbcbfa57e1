/// Copies `path` with unreserved percent-escapes decoded, once, and the hex digits of the others in upper
/// case (RFC 3986 §6.2.2.1, §6.2.2.2). For matching only: what is forwarded is the octets received.
///
/// An escape that is none is copied as it is; `HeadParser` lets no such path through.
///
/// - Precondition: `output` has room for `path.count` octets and does not overlap `path`.
/// - Returns: octets written, at most `path.count`.
func normalizePath(_ path: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Int {
    precondition(output.count >= path.count)
    var read = 0
    var written = 0
    while read < path.count {
        let byte = path[read]
        guard byte == UInt8(ascii: "%"), path.count - read >= 3,
            let high = hexDigitValue(path[read + 1]), let low = hexDigitValue(path[read + 2])
        else {
            output[written] = byte
            read += 1
            written += 1
            continue
        }
        let decoded = high << 4 | low
        if ByteSet.unreserved.contains(decoded) {
            output[written] = decoded
            written += 1
        } else {
            output[written] = byte
            output[written + 1] = upperHexDigit(high)
            output[written + 2] = upperHexDigit(low)
            written += 3
        }
        read += 3
    }
    return written
}

private func upperHexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
}
