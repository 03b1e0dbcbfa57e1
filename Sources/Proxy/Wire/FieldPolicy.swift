/// Which fields belong to one connection, or to a head alone, and are not forwarded with the message.
enum FieldPolicy {
    /// RFC 9110 §7.6.1, with the older names that are treated alike. `Transfer-Encoding` is among them
    /// because the writer states the framing itself; `Content-Length` is not, for it is end-to-end: the
    /// writer replaces it.
    @inline(__always)
    static func isAlwaysHopByHop(_ field: FieldName) -> Bool {
        let names =
            bit(.connection) | bit(.keepAlive) | bit(.proxyConnection) | bit(.te) | bit(.transferEncoding)
            | bit(.upgrade) | bit(.http2Settings) | bit(.proxyAuthenticate) | bit(.proxyAuthorization)
        return names & bit(field) != 0
    }

    /// Flags the fields that `Connection` nominates (RFC 9110 §7.6.1).
    ///
    /// It cannot nominate what routes or frames the message or says where it came from: `Host`,
    /// `Content-Length`, `Transfer-Encoding`, `Forwarded`, `X-Forwarded-*`. A client could otherwise have
    /// the gateway drop them.
    ///
    /// - Throws: `.fieldInvalid` for more nominations than `nominationsMax`, which bounds the work.
    static func flagNominated(
        _ base: UnsafeRawPointer, fields: FieldTable, fieldCount: Int
    ) throws(HeadError) {
        var nominationsLeft = nominationsMax
        for index in 0..<fieldCount where fields.lines[index].known == .connection {
            var members = ListReader(base, fields.lines[index].value)
            while let member = members.next() {
                guard nominationsLeft > 0 else { throw .fieldInvalid }
                nominationsLeft -= 1
                flag(UnsafeRawBufferPointer(base, member), base, fields: fields, fieldCount: fieldCount)
            }
        }
    }

    /// Most members of all `Connection` lines of a head.
    static let nominationsMax = 64

    /// Whether a trailer field must be dropped instead of forwarded: it frames, routes, authenticates,
    /// modifies or describes the message, which is settled by then (RFC 9110 §6.5.1). Every field the
    /// gateway reads or writes is among them.
    static func isForbiddenInTrailer(_ line: FieldLine, _ base: UnsafeRawPointer) -> Bool {
        if line.known != .other { return true }
        let name = UnsafeRawBufferPointer(base, line.name)
        let prefixes: InlineArray<7, StaticString> = [
            "content-", "if-", "proxy-", "x-forwarded-", "access-control-", "www-", "sec-websocket-",
        ]
        for index in prefixes.indices where hasPrefix(name, prefixes[index]) { return true }
        let names: InlineArray<8, StaticString> = [
            "age", "authentication-info", "cache-control", "expires", "location", "max-forwards", "pragma",
            "range",
        ]
        for index in names.indices where asciiCaseInsensitiveEqual(name, names[index]) { return true }
        return false
    }

    private static func flag(
        _ nominated: UnsafeRawBufferPointer, _ base: UnsafeRawPointer, fields: FieldTable, fieldCount: Int
    ) {
        for index in 0..<fieldCount where Int(fields.lines[index].name.count) == nominated.count {
            let line = fields.lines[index]
            let name = UnsafeRawBufferPointer(base, line.name)
            if asciiCaseInsensitiveEqual(name, nominated), canBeNominated(line.known, name) {
                fields.lines[index].isHopByHop = true
            }
        }
    }

    private static func canBeNominated(_ field: FieldName, _ name: UnsafeRawBufferPointer) -> Bool {
        let fixed = bit(.host) | bit(.contentLength) | bit(.transferEncoding) | bit(.forwarded)
        return fixed & bit(field) == 0 && !hasPrefix(name, "x-forwarded-")
    }

    private static func hasPrefix(_ name: UnsafeRawBufferPointer, _ prefix: StaticString) -> Bool {
        let count = prefix.utf8CodeUnitCount
        return name.count >= count
            && asciiCaseInsensitiveEqual(UnsafeRawBufferPointer(rebasing: name[..<count]), prefix)
    }

    @inline(__always)
    private static func bit(_ field: FieldName) -> UInt64 { 1 &<< UInt64(field.rawValue) }
}

extension UnsafeRawBufferPointer {
    /// The octets of `range`, counted from `base`.
    @inline(__always)
    init(_ base: UnsafeRawPointer, _ range: ByteRange) {
        self.init(start: base + Int(range.start), count: Int(range.count))
    }
}
