/// Field name octets → `FieldName`. Compares the few candidates of its length, as whole words.
///
/// Case is folded by setting bit 5 of each octet. That is exact here: the name is known to be a token, no
/// `tchar` other than a letter folds to a letter, digit or hyphen, and known names consist of those alone.
enum FieldClassifier {
    /// - Parameter readable: octets that may be read from `name` on, at least `count`.
    /// - Precondition: `name` is a token of `count` octets.
    @inline(__always)
    static func classify(_ name: UnsafeRawPointer, count: Int, readable: Int) -> FieldName {
        Folded(name, count: count, readable: readable).fieldName(count: count)
    }

    /// The first sixteen octets of a name in lower case, anything beyond its end; and where it is, for
    /// longer ones.
    struct Folded {
        let low: UInt64
        let high: UInt64
        let name: UnsafeRawPointer

        private static let caseBits: UInt64 = 0x2020_2020_2020_2020

        @inline(__always)
        init(_ name: UnsafeRawPointer, count: Int, readable: Int) {
            self.name = name
            guard readable >= 16 else {
                (low, high) = Folded.gather(name, count: count)
                return
            }
            low = UInt64(littleEndian: name.loadUnaligned(as: UInt64.self)) | Folded.caseBits
            high =
                UInt64(littleEndian: name.loadUnaligned(fromByteOffset: 8, as: UInt64.self)) | Folded.caseBits
        }

        /// Near the end of the buffer, where sixteen octets cannot be loaded.
        private static func gather(_ name: UnsafeRawPointer, count: Int) -> (UInt64, UInt64) {
            var words: (UInt64, UInt64) = (0, 0)
            for index in 0..<min(count, 16) {
                let byte = UInt64(name.load(fromByteOffset: index, as: UInt8.self) | 0x20)
                if index < 8 {
                    words.0 |= byte &<< UInt64(8 &* index)
                } else {
                    words.1 |= byte &<< UInt64(8 &* (index &- 8))
                }
            }
            return words
        }

        @inline(__always)
        func fieldName(count: Int) -> FieldName {
            switch count {
            case 2: return any(("te", .te))
            case 3: return any(("via", .via))
            case 4: return any(("host", .host), ("date", .date), ("vary", .vary))
            case 6:
                let common = any(("accept", .accept), ("cookie", .cookie), ("server", .server))
                return common != .other ? common : any(("origin", .origin), ("expect", .expect))
            case 7: return any(("upgrade", .upgrade), ("api-key", .apiKey), ("trailer", .trailer))
            case 9: return any(("x-api-key", .xApiKey), ("forwarded", .forwarded))
            case 10:
                let common = any(("connection", .connection), ("user-agent", .userAgent))
                return common != .other
                    ? common
                    : any(
                        ("keep-alive", .keepAlive), ("set-cookie", .setCookie), ("tracestate", .traceState))
            case 11: return any(("retry-after", .retryAfter), ("traceparent", .traceParent))
            case 12: return any(("content-type", .contentType), ("x-request-id", .xRequestId))
            case 13: return any(("authorization", .authorization))
            case 14: return any(("content-length", .contentLength), ("http2-settings", .http2Settings))
            case 15: return any(("accept-encoding", .acceptEncoding), ("x-forwarded-for", .xForwardedFor))
            case 16:
                return any(
                    ("content-encoding", .contentEncoding), ("x-forwarded-host", .xForwardedHost),
                    ("proxy-connection", .proxyConnection))
            case 17:
                return any(("transfer-encoding", .transferEncoding), ("x-forwarded-proto", .xForwardedProto))
            case 18: return any(("proxy-authenticate", .proxyAuthenticate))
            case 19: return any(("proxy-authorization", .proxyAuthorization))
            case 29: return any(("access-control-request-method", .accessControlRequestMethod))
            case 30: return any(("access-control-request-headers", .accessControlRequestHeaders))
            default: return .other
            }
        }

        private typealias Candidate = (spelling: StaticString, field: FieldName)

        @inline(__always)
        private func any(_ only: Candidate) -> FieldName {
            isSpelt(only.spelling) ? only.field : .other
        }

        @inline(__always)
        private func any(_ first: Candidate, _ second: Candidate) -> FieldName {
            isSpelt(first.spelling) ? first.field : any(second)
        }

        @inline(__always)
        private func any(_ first: Candidate, _ second: Candidate, _ third: Candidate) -> FieldName {
            isSpelt(first.spelling) ? first.field : any(second, third)
        }

        @inline(__always)
        func isSpelt(_ spelling: StaticString) -> Bool {
            low & Folded.mask(spelling, at: 0) == Folded.word(spelling, at: 0)
                && high & Folded.mask(spelling, at: 8) == Folded.word(spelling, at: 8)
                && (spelling.utf8CodeUnitCount <= 16 || isRestSpelt(spelling))
        }

        /// The octets from the seventeenth on.
        private func isRestSpelt(_ spelling: StaticString) -> Bool {
            let rest = spelling.utf8CodeUnitCount - 16
            return asciiCaseInsensitiveEqual(
                UnsafeRawBufferPointer(start: name + 16, count: rest),
                UnsafeRawBufferPointer(start: spelling.utf8Start + 16, count: rest))
        }

        /// Eight octets of a literal, zero beyond its end; a constant once compiled.
        @inline(__always)
        private static func word(_ spelling: StaticString, at start: Int) -> UInt64 {
            var word: UInt64 = 0
            var index = 0
            while index < 8 && start + index < spelling.utf8CodeUnitCount {
                word |= UInt64(spelling.utf8Start[start + index]) &<< UInt64(8 * index)
                index += 1
            }
            return word
        }

        /// The octets of that word which are within the literal.
        @inline(__always)
        private static func mask(_ spelling: StaticString, at start: Int) -> UInt64 {
            let count = spelling.utf8CodeUnitCount - start
            return count <= 0 ? 0 : count >= 8 ? ~0 : (1 &<< UInt64(8 * count)) - 1
        }
    }
}
