import Glibc
import JSON

/// A member of a request body that counts. `includeUsage` is one of `stream_options`, the others stand at the
/// top.
enum RequestMember: UInt8, CaseIterable {
    case model, stream, streamOptions, n, bestOf, maxTokens, maxCompletionTokens, maxOutputTokens
    case includeUsage

    /// Which were there.
    struct Set: ExpressibleByArrayLiteral {
        private var bits: UInt16 = 0
        init(arrayLiteral elements: RequestMember...) { for element in elements { _ = insert(element) } }

        /// - Returns: false if it was there before.
        mutating func insert(_ member: RequestMember) -> Bool {
            let bit: UInt16 = 1 << UInt16(member.rawValue)
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

    /// What somebody may read `key` as. `isExact`: everybody does.
    static func find(_ key: JSONString, _ reader: JSONReader, _ body: UnsafeRawBufferPointer)
        -> (RequestMember, isExact: Bool)?
    {
        guard !key.hasEscapes, key.isASCII else { return findFolded(key, reader) }
        let bytes = UnsafeRawBufferPointer(rebasing: body[key.range])
        guard let member = candidate(length: bytes.count), let base = bytes.baseAddress else { return nil }
        if memcmp(base, member.name.utf8Start, bytes.count) == 0 { return (member, true) }
        return asciiCaseInsensitiveEqual(bytes, member.name) ? (member, false) : nil
    }

    /// The one name of that length.
    @inline(__always)
    private static func candidate(length: Int) -> RequestMember? {
        switch length {
        case 1: .n
        case 5: .model
        case 6: .stream
        case 7: .bestOf
        case 10: .maxTokens
        case 13: .includeUsage
        case 14: .streamOptions
        case 17: .maxOutputTokens
        case 21: .maxCompletionTokens
        default: nil
        }
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
