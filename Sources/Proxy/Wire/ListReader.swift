/// The members of a comma-separated field value, without the whitespace around them; empty ones are skipped
/// (RFC 9110 §5.6.1.2).
struct ListReader {
    private let base: UnsafeRawPointer
    private var offset: Int
    private let end: Int

    init(_ base: UnsafeRawPointer, _ value: ByteRange) {
        self.base = base
        offset = Int(value.start)
        end = Int(value.end)
    }

    mutating func next() -> ByteRange? {
        while offset < end, isSkipped(ByteScan.octet(base, offset)) { offset &+= 1 }
        guard offset < end else { return nil }
        let start = offset
        while offset < end, ByteScan.octet(base, offset) != UInt8(ascii: ",") { offset &+= 1 }
        var memberEnd = offset
        while isOptionalWhitespace(ByteScan.octet(base, memberEnd - 1)) { memberEnd &-= 1 }
        return ByteRange(
            start: UInt32(truncatingIfNeeded: start), count: UInt32(truncatingIfNeeded: memberEnd - start))
    }

    private func isSkipped(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ",") || isOptionalWhitespace(byte)
    }
}
