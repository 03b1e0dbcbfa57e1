/// What the field lines of one head say together about framing and connection, gathered line by line.
struct MessageFacts {
    private(set) var declaredLength: UInt64?
    private(set) var isChunked = false
    private(set) var connection: ConnectionOptions = []
    /// `Connection` names something that could be a field.
    private(set) var hasNominations = false
    private(set) var hasTrailerField = false
    private(set) var hasHost = false
    private(set) var host = ByteRange.empty
    private(set) var hasExpect = false
    private(set) var hasUnknownExpectation = false
    private(set) var upgradesToWebSocket = false
    private(set) var isEventStream = false

    /// - Throws: `.lengthInvalid`, `.codingUnsupported`, `.hostInvalid` (a second one).
    @inline(__always)
    mutating func note(_ line: FieldLine, _ base: UnsafeRawPointer) throws(HeadError) {
        if line.known == .other { return }
        switch line.known {
        case .contentLength: try noteLength(line.value, base)
        case .transferEncoding: try noteCoding(line.value, base)
        case .connection: noteConnection(line.value, base)
        case .contentType: noteContentType(line.value, base)
        case .host: try noteHost(line.value)
        case .expect: noteExpect(line.value, base)
        case .upgrade: noteUpgrade(line.value, base)
        case .trailer: hasTrailerField = true
        default: break
        }
    }

    /// `Content-Length`: digits below 2⁶³, once, or the same value again, also as a list (RFC 9110 §8.6).
    private mutating func noteLength(_ value: ByteRange, _ base: UnsafeRawPointer) throws(HeadError) {
        var offset = Int(value.start)
        let end = Int(value.end)
        while true {
            let length = try decimal(base, &offset, end: end)
            guard declaredLength == nil || declaredLength == length else { throw .lengthInvalid }
            declaredLength = length
            while offset < end, isOptionalWhitespace(ByteScan.octet(base, offset)) { offset += 1 }
            if offset == end { return }
            guard ByteScan.octet(base, offset) == UInt8(ascii: ",") else { throw .lengthInvalid }
            offset += 1
            while offset < end, isOptionalWhitespace(ByteScan.octet(base, offset)) { offset += 1 }
        }
    }

    private func decimal(
        _ base: UnsafeRawPointer, _ offset: inout Int, end: Int
    ) throws(HeadError) -> UInt64 {
        let start = offset
        var length: UInt64 = 0
        while offset < end, let digit = decimalDigitValue(ByteScan.octet(base, offset)) {
            // So that the next digit cannot overflow; the bound itself is the guard behind it.
            guard length <= UInt64(Int64.max) / 10 else { throw .lengthInvalid }
            length = length * 10 + UInt64(digit)
            guard length <= UInt64(Int64.max) else { throw .lengthInvalid }
            offset += 1
        }
        guard offset > start else { throw .lengthInvalid }
        return length
    }

    /// `Transfer-Encoding`: exactly `chunked`, once. Other codings would have to be understood to be
    /// forwarded.
    private mutating func noteCoding(_ value: ByteRange, _ base: UnsafeRawPointer) throws(HeadError) {
        guard !isChunked, asciiCaseInsensitiveEqual(UnsafeRawBufferPointer(base, value), "chunked") else {
            throw .codingUnsupported
        }
        isChunked = true
    }

    private mutating func noteConnection(_ value: ByteRange, _ base: UnsafeRawPointer) {
        // What nearly all say is compared at once, before anything is split.
        if asciiCaseInsensitiveEqual(UnsafeRawBufferPointer(base, value), "keep-alive") {
            connection.insert(.keepAlive)
            return
        }
        var members = ListReader(base, value)
        while let member = members.next() {
            let option = UnsafeRawBufferPointer(base, member)
            if asciiCaseInsensitiveEqual(option, "close") {
                connection.insert(.close)
            } else if asciiCaseInsensitiveEqual(option, "keep-alive") {
                connection.insert(.keepAlive)
            } else if asciiCaseInsensitiveEqual(option, "upgrade") {
                connection.insert(.upgrade)
            } else {
                hasNominations = true
            }
        }
    }

    private mutating func noteContentType(_ value: ByteRange, _ base: UnsafeRawPointer) {
        let eventStream: StaticString = "text/event-stream"
        let bytes = UnsafeRawBufferPointer(base, value)
        let count = eventStream.utf8CodeUnitCount
        guard bytes.count >= count,
            asciiCaseInsensitiveEqual(UnsafeRawBufferPointer(rebasing: bytes[..<count]), eventStream)
        else { return }
        guard bytes.count > count else {
            isEventStream = true
            return
        }
        isEventStream = bytes[count] == UInt8(ascii: ";") || isOptionalWhitespace(bytes[count])
    }

    private mutating func noteHost(_ value: ByteRange) throws(HeadError) {
        guard !hasHost else { throw .hostInvalid }
        hasHost = true
        host = value
    }

    private mutating func noteExpect(_ value: ByteRange, _ base: UnsafeRawPointer) {
        hasExpect = true
        if !asciiCaseInsensitiveEqual(UnsafeRawBufferPointer(base, value), "100-continue") {
            hasUnknownExpectation = true
        }
    }

    private mutating func noteUpgrade(_ value: ByteRange, _ base: UnsafeRawPointer) {
        var members = ListReader(base, value)
        while let member = members.next() {
            if asciiCaseInsensitiveEqual(UnsafeRawBufferPointer(base, member), "websocket") {
                upgradesToWebSocket = true
            }
        }
    }
}
