import Glibc
import JSON

/// A member of a request body that counts. `includeUsage` is one of `stream_options`, the others stand at the
/// top.
enum RequestMember: UInt8, CaseIterable {
    case model, stream, streamOptions, n, bestOf, maxTokens, maxCompletionTokens, maxOutputTokens
    case includeUsage

    /// Which were there.
    struct Set {
        private var bits: UInt16 = 0

        func contains(_ member: RequestMember) -> Bool { bits & 1 &<< UInt16(member.rawValue) != 0 }

        /// - Returns: false if it was there before.
        @inline(__always)
        mutating func insert(_ member: RequestMember) -> Bool {
            let bit: UInt16 = 1 &<< UInt16(member.rawValue)
            defer { bits |= bit }
            return bits & bit == 0
        }
    }

    private var name: StaticString {
        switch self {
        case .model: "model"
        case .stream: "stream"
        case .streamOptions: "stream_options"
        case .n: "n"
        case .bestOf: "best_of"
        case .maxTokens: "max_tokens"
        case .maxCompletionTokens: "max_completion_tokens"
        case .maxOutputTokens: "max_output_tokens"
        case .includeUsage: "include_usage"
        }
    }

    /// What everybody reads `key` as, which has no escapes; nil: what `findOther` may know.
    @inline(__always)
    static func find(_ key: RequestString, _ base: UnsafeRawPointer) -> RequestMember? {
        let start = base + key.start
        // Why each by itself: a comparison with a literal is one of a word or two.
        switch key.count {
        case 1: return isEqual(start, "n") ? .n : nil
        case 5: return isEqual(start, "model") ? .model : nil
        case 6: return isEqual(start, "stream") ? .stream : nil
        case 7: return isEqual(start, "best_of") ? .bestOf : nil
        case 10: return isEqual(start, "max_tokens") ? .maxTokens : nil
        case 13: return isEqual(start, "include_usage") ? .includeUsage : nil
        case 14: return isEqual(start, "stream_options") ? .streamOptions : nil
        case 17: return isEqual(start, "max_output_tokens") ? .maxOutputTokens : nil
        case 21: return isEqual(start, "max_completion_tokens") ? .maxCompletionTokens : nil
        default: return nil
        }
    }

    @inline(__always)
    private static func isEqual(_ start: UnsafeRawPointer, _ name: StaticString) -> Bool {
        memcmp(start, name.utf8Start, name.utf8CodeUnitCount) == 0
    }

    /// Whether `findOther` may know a key that `find` does not.
    @inline(__always)
    static func mayBeOther(_ key: RequestString) -> Bool {
        if key.hasEscapes || key.otherCount > 0 { return true }
        // Bit n: a name of that length.
        return key.count < 32 && 0x0022_64E2 as UInt32 &>> UInt32(truncatingIfNeeded: key.count) & 1 == 1
    }

    /// What somebody may read `key` as, which `find` does not know. `isExact`: everybody does.
    static func findOther(_ key: RequestString, _ body: UnsafeRawBufferPointer)
        -> (RequestMember, isExact: Bool)?
    {
        guard !key.hasEscapes, key.otherCount == 0 else { return findFolded(key.json, JSONReader(body)) }
        let octets = UnsafeRawBufferPointer(rebasing: body[key.start..<key.end])
        for member in allCases where asciiCaseInsensitiveEqual(octets, member.name) { return (member, false) }
        return nil
    }

    /// `messages`, or `input`, which is the same to the Responses API.
    @inline(__always)
    static func isMessages(_ key: RequestString, _ base: UnsafeRawPointer) -> Bool {
        switch key.count {
        case 5: memcmp(base + key.start, "input", 5) == 0
        case 8: memcmp(base + key.start, "messages", 8) == 0
        default: false
        }
    }

    /// No member that counts: it is only of interest whether it is there.
    @inline(__always)
    static func isTemperature(_ key: RequestString, _ base: UnsafeRawPointer) -> Bool {
        key.count == 11 && memcmp(base + key.start, "temperature", 11) == 0
    }

    private static func findFolded(_ key: JSONString, _ reader: JSONReader) -> (RequestMember, isExact: Bool)?
    {
        for member in allCases where isFolded(reader.octets(key), member.name) {
            return (member, reader.isEqual(key, member.name))
        }
        return nil
    }

    /// Whether `octets` are `name` in some spelling: ASCII letters of either case, `ſ` for `s`, the Kelvin
    /// sign for `k`. No other letter has more forms than these.
    private static func isFolded(_ octets: JSONOctets, _ name: StaticString) -> Bool {
        var octets = octets
        for index in 0..<name.utf8CodeUnitCount {
            let wanted = name.utf8Start[index]
            guard let octet = octets.next() else { return false }
            if asciiLowercased(octet) == wanted { continue }
            switch (octet, wanted) {
            case (0xC5, UInt8(ascii: "s")): guard octets.next() == 0xBF else { return false }
            case (0xE2, UInt8(ascii: "k")):
                guard octets.next() == 0x84, octets.next() == 0xAA else { return false }
            default: return false
            }
        }
        return octets.next() == nil
    }
}
