/// Octets → head, strictly (RFC 9112 §2 to §6): complete, incomplete, or refused with the reason.
///
/// Stateless: an incomplete head is parsed again from its start when more has come. `HeadEndScanner` tells
/// cheaply when that is worth while. What is wrong is reported as soon as it is there, in the order of the
/// octets, so that a head gives the same answer however it arrives.
///
/// Cost: two passes over the octets, sixteen at a time; allocates nothing.
enum HeadParser {
    /// Parses one request head at the start of `bytes`. One CRLF before it is skipped (RFC 9112 §2.2) and
    /// counted in `byteCount`.
    ///
    /// - Returns: nil while the head is incomplete and nothing of it is known to be wrong.
    /// - Throws: every `HeadError`. `.headTooLarge` as soon as `limits.maxBytes` octets hold no complete
    ///   head.
    static func parseRequest(
        _ bytes: UnsafeRawBufferPointer, limits: HeadLimits, fields: FieldTable
    ) throws(HeadError) -> RequestHead? {
        let end = min(bytes.count, limits.maxBytes)
        guard let base = bytes.baseAddress else { return nil }
        if let head = try request(base, end: end, limits: limits, fields: fields) { return head }
        guard bytes.count < limits.maxBytes else { throw .headTooLarge }
        return nil
    }

    /// Parses one response head at the start of `bytes`.
    ///
    /// - Parameter toHead: the request's method was HEAD.
    /// - Returns, Throws: as `parseRequest`.
    static func parseResponse(
        _ bytes: UnsafeRawBufferPointer, toHead: Bool, limits: HeadLimits, fields: FieldTable
    ) throws(HeadError) -> ResponseHead? {
        let end = min(bytes.count, limits.maxBytes)
        guard let base = bytes.baseAddress else { return nil }
        if let head = try response(base, end: end, toHead: toHead, limits: limits, fields: fields) {
            return head
        }
        guard bytes.count < limits.maxBytes else { throw .headTooLarge }
        return nil
    }

    /// Parses a trailer section: field lines and the empty line (RFC 9112 §7.1.2). Lines that have no place
    /// in a trailer are flagged `isHopByHop`; see `FieldPolicy.isForbiddenInTrailer`.
    ///
    /// - Returns: nil while it is incomplete.
    /// - Throws: `.fieldInvalid`, `.tooManyFields`, `.headTooLarge`.
    static func parseTrailers(
        _ bytes: UnsafeRawBufferPointer, limits: HeadLimits, fields: FieldTable
    ) throws(HeadError) -> TrailerSection? {
        guard let base = bytes.baseAddress else { return nil }
        var reader = FieldLineReader(base, from: 0, end: min(bytes.count, limits.maxBytes))
        let maxFields = min(limits.maxFields, FieldTable.capacity)
        var fieldCount = 0
        while true {
            switch try reader.next() {
            case .line(var line):
                guard fieldCount < maxFields else { throw .tooManyFields }
                line.isHopByHop = FieldPolicy.isForbiddenInTrailer(line, base)
                fields.lines[fieldCount] = line
                fieldCount += 1
            case .end:
                return TrailerSection(fieldCount: fieldCount, byteCount: reader.offset)
            case .incomplete:
                guard bytes.count < limits.maxBytes else { throw .headTooLarge }
                return nil
            }
        }
    }

    // MARK: Requests

    @inline(__always)
    private static func request(
        _ base: UnsafeRawPointer, end: Int, limits: HeadLimits, fields: FieldTable
    ) throws(HeadError) -> RequestHead? {
        var head = RequestHead()
        guard let fieldsStart = try requestLine(base, end: end, into: &head) else { return nil }
        var reader = FieldLineReader(base, from: fieldsStart, end: end)
        guard let (facts, fieldCount) = try fieldSection(&reader, limits: limits, fields: fields) else {
            return nil
        }
        head.fieldCount = fieldCount
        head.byteCount = reader.offset
        head.connection = facts.connection
        head.framing = try facts.requestFraming(head.version)
        try setAuthority(of: &head, facts, base, end: end)
        if head.version == .http11 {
            guard !facts.hasUnknownExpectation else { throw .expectationUnknown }
            head.expectsContinue = facts.hasExpect
            head.asksForWebSocket = facts.upgradesToWebSocket && facts.connection.contains(.upgrade)
        }
        try flagHopByHop(facts, head.framing, base, fields: fields, fieldCount: fieldCount)
        return head
    }

    /// - Returns: where the field lines begin; nil while the line is incomplete.
    @inline(__always)
    private static func requestLine(
        _ base: UnsafeRawPointer, end: Int, into head: inout RequestHead
    ) throws(HeadError) -> Int? {
        guard let start = try skipEmptyLine(base, end: end) else { return nil }
        let methodEnd = ByteScan.tokenEnd(base, from: start, end: end)
        guard methodEnd < end else { return nil }
        guard ByteScan.octet(base, methodEnd) == Byte.space, methodEnd > start else {
            throw .startLineInvalid
        }
        head.methodBytes = ByteRange(
            start: UInt32(truncatingIfNeeded: start), count: UInt32(truncatingIfNeeded: methodEnd &- start))
        head.method = method(base + start, count: methodEnd &- start)
        guard head.method != .connect else { throw .connectRefused }
        let targetStart = methodEnd &+ 1
        let targetEnd = ByteScan.targetEnd(base, from: targetStart, end: end)
        guard targetEnd < end else { return nil }
        try checkTargetEnd(ByteScan.octet(base, targetEnd), isEmpty: targetEnd == targetStart)
        try TargetParser(base: base, start: targetStart, end: targetEnd, readableEnd: end).parse(into: &head)
        guard let version = try version(base, from: targetEnd &+ 1, end: end) else { return nil }
        let lineEnd = targetEnd &+ 9
        guard try lineFeed(base, at: lineEnd, end: end) else { return nil }
        head.version = try version.get()
        return lineEnd &+ 2
    }

    /// One empty line is skipped: some clients send one behind a body. More than one is not HTTP.
    @inline(__always)
    private static func skipEmptyLine(_ base: UnsafeRawPointer, end: Int) throws(HeadError) -> Int? {
        guard end > 0 else { return nil }
        guard ByteScan.octet(base, 0) == Byte.cr else { return 0 }
        return try lineFeed(base, at: 0, end: end) ? 2 : nil
    }

    private static func checkTargetEnd(_ byte: UInt8, isEmpty: Bool) throws(HeadError) {
        switch byte {
        case Byte.space where !isEmpty: return
        case Byte.space, Byte.cr, Byte.lf, 0: throw .startLineInvalid
        default: throw .targetInvalid
        }
    }

    /// Methods are case-sensitive (RFC 9110 §9.1).
    @inline(__always)
    private static func method(_ name: UnsafeRawPointer, count: Int) -> Method {
        switch count {
        case 3: isEqual(name, "GET") ? .get : isEqual(name, "PUT") ? .put : .other
        case 4: isEqual(name, "POST") ? .post : isEqual(name, "HEAD") ? .head : .other
        case 5: isEqual(name, "PATCH") ? .patch : isEqual(name, "TRACE") ? .trace : .other
        case 6: isEqual(name, "DELETE") ? .delete : .other
        case 7: isEqual(name, "OPTIONS") ? .options : isEqual(name, "CONNECT") ? .connect : .other
        default: .other
        }
    }

    @inline(__always)
    private static func isEqual(_ name: UnsafeRawPointer, _ literal: StaticString) -> Bool {
        var index = 0
        while index < literal.utf8CodeUnitCount {
            if ByteScan.octet(name, index) != literal.utf8Start[index] { return false }
            index += 1
        }
        return true
    }

    /// The authority of the absolute form wins over `Host` (RFC 9112 §3.2.2), which must be valid even so.
    @inline(__always)
    private static func setAuthority(
        of head: inout RequestHead, _ facts: MessageFacts, _ base: UnsafeRawPointer, end: Int
    ) throws(HeadError) {
        let isRequired = head.version == .http11
        guard facts.hasHost || !isRequired else { throw .hostInvalid }
        if facts.host.isEmpty {
            guard !isRequired || !head.authority.isEmpty else { throw .hostInvalid }
            return
        }
        guard let host = Authority.host(in: facts.host, of: base, readableEnd: end) else {
            throw .hostInvalid
        }
        guard head.authority.isEmpty else { return }
        head.authority = facts.host
        head.host = host
    }

    // MARK: Responses

    @inline(__always)
    private static func response(
        _ base: UnsafeRawPointer, end: Int, toHead: Bool, limits: HeadLimits, fields: FieldTable
    ) throws(HeadError) -> ResponseHead? {
        var head = ResponseHead()
        guard let fieldsStart = try statusLine(base, end: end, into: &head) else { return nil }
        var reader = FieldLineReader(base, from: fieldsStart, end: end)
        guard let (facts, fieldCount) = try fieldSection(&reader, limits: limits, fields: fields) else {
            return nil
        }
        head.fieldCount = fieldCount
        head.byteCount = reader.offset
        head.connection = facts.connection
        head.isEventStream = facts.isEventStream
        head.declaredLength = facts.declaredLength
        head.framing = try facts.responseFraming(head.version, status: head.status, toHead: toHead)
        try flagHopByHop(facts, head.framing, base, fields: fields, fieldCount: fieldCount)
        return head
    }

    /// `HTTP/1.1 200 OK`. The space behind the status may be missing where there is no reason: servers do
    /// that.
    ///
    /// - Returns: where the field lines begin; nil while the line is incomplete.
    @inline(__always)
    private static func statusLine(
        _ base: UnsafeRawPointer, end: Int, into head: inout ResponseHead
    ) throws(HeadError) -> Int? {
        guard let version = try version(base, from: 0, end: end) else { return nil }
        guard end > 8 else { return nil }
        guard ByteScan.octet(base, 8) == Byte.space else { throw .startLineInvalid }
        head.version = try version.get()
        for offset in 9..<12 {
            guard offset < end else { return nil }
            guard let digit = decimalDigitValue(ByteScan.octet(base, offset)) else { throw .startLineInvalid }
            head.status = head.status &* 10 &+ UInt16(digit)
        }
        guard head.status >= 100, head.status < 600 else { throw .startLineInvalid }
        guard end > 12 else { return nil }
        var lineEnd = 12
        if ByteScan.octet(base, 12) == Byte.space {
            lineEnd = ByteScan.valueEnd(base, from: 13, end: end)
            head.reason = ByteRange(start: 13, count: UInt32(truncatingIfNeeded: lineEnd &- 13))
        }
        return try lineFeed(base, at: lineEnd, end: end) ? lineEnd &+ 2 : nil
    }

    // MARK: Both

    /// Reads all field lines into `fields` and gathers what they say.
    @inline(__always)
    private static func fieldSection(
        _ reader: inout FieldLineReader, limits: HeadLimits, fields: FieldTable
    ) throws(HeadError) -> (facts: MessageFacts, fieldCount: Int)? {
        let maxFields = min(limits.maxFields, FieldTable.capacity)
        var facts = MessageFacts()
        var fieldCount = 0
        while true {
            switch try reader.next() {
            case .line(let line):
                guard fieldCount < maxFields else { throw .tooManyFields }
                fields.lines[fieldCount] = line
                fieldCount &+= 1
                try facts.note(line, reader.base)
            case .end:
                return (facts, fieldCount)
            case .incomplete:
                return nil
            }
        }
    }

    /// Flags what the fixed set does not cover: nominated fields, and `Trailer` on a message that is not
    /// chunked, where it announces what cannot come.
    @inline(__always)
    private static func flagHopByHop(
        _ facts: MessageFacts, _ framing: BodyFraming, _ base: UnsafeRawPointer, fields: FieldTable,
        fieldCount: Int
    ) throws(HeadError) {
        if facts.hasNominations {
            try FieldPolicy.flagNominated(base, fields: fields, fieldCount: fieldCount)
        }
        guard facts.hasTrailerField, framing != .chunked else { return }
        for index in 0..<fieldCount where fields.lines[index].known == .trailer {
            fields.lines[index].isHopByHop = true
        }
    }

    /// `HTTP/x.y` at `start`: the version, or that it is not supported; nil while it is incomplete.
    ///
    /// A higher minor version is read as 1.1 (RFC 9110 §2.5). That a version is not supported is a value, not
    /// thrown, because the octet behind it is checked first.
    @inline(__always)
    private static func version(
        _ base: UnsafeRawPointer, from start: Int, end: Int
    ) throws(HeadError) -> Result<HTTPVersion, HeadError>? {
        if end &- start >= 8 {
            // Compared as one word, in the common case.
            let word = base.loadUnaligned(fromByteOffset: start, as: UInt64.self)
            if word == versionWord("HTTP/1.1") { return .success(.http11) }
            if word == versionWord("HTTP/1.0") { return .success(.http10) }
        }
        return try rareVersion(base, from: start, end: end)
    }

    private static func rareVersion(
        _ base: UnsafeRawPointer, from start: Int, end: Int
    ) throws(HeadError) -> Result<HTTPVersion, HeadError>? {
        let pattern: StaticString = "HTTP/d.d"
        for index in 0..<8 {
            guard start + index < end else { return nil }
            let byte = ByteScan.octet(base, start + index)
            let expected = pattern.utf8Start[index]
            let isRight = expected == UInt8(ascii: "d") ? decimalDigitValue(byte) != nil : byte == expected
            guard isRight else { throw .startLineInvalid }
        }
        let isMajor1 = ByteScan.octet(base, start + 5) == UInt8(ascii: "1")
        let isMinor0 = ByteScan.octet(base, start + 7) == UInt8(ascii: "0")
        return isMajor1 ? .success(isMinor0 ? .http10 : .http11) : .failure(.versionUnsupported)
    }

    @inline(__always)
    private static func versionWord(_ literal: StaticString) -> UInt64 {
        UnsafeRawPointer(literal.utf8Start).loadUnaligned(as: UInt64.self)
    }

    /// Whether CRLF is at `offset`; false while it is incomplete.
    @inline(__always)
    private static func lineFeed(_ base: UnsafeRawPointer, at offset: Int, end: Int) throws(HeadError) -> Bool
    {
        guard offset < end else { return false }
        guard ByteScan.octet(base, offset) == Byte.cr else { throw .startLineInvalid }
        guard offset &+ 1 < end else { return false }
        guard ByteScan.octet(base, offset &+ 1) == Byte.lf else { throw .startLineInvalid }
        return true
    }
}
