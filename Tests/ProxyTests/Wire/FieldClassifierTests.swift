import Testing

@testable import Proxy

@Suite struct FieldClassifierTests {
    /// Every name the gateway knows, in the spelling of its specification.
    static let spellings: [(String, FieldName)] = [
        ("Accept", .accept), ("Accept-Encoding", .acceptEncoding),
        ("Access-Control-Request-Headers", .accessControlRequestHeaders),
        ("Access-Control-Request-Method", .accessControlRequestMethod), ("Api-Key", .apiKey),
        ("Authorization", .authorization), ("Connection", .connection),
        ("Content-Encoding", .contentEncoding),
        ("Content-Length", .contentLength), ("Content-Type", .contentType), ("Cookie", .cookie),
        ("Date", .date),
        ("Expect", .expect), ("Forwarded", .forwarded), ("Host", .host),
        ("HTTP2-Settings", .http2Settings),
        ("Keep-Alive", .keepAlive), ("Origin", .origin), ("Proxy-Authenticate", .proxyAuthenticate),
        ("Proxy-Authorization", .proxyAuthorization), ("Proxy-Connection", .proxyConnection),
        ("Retry-After", .retryAfter), ("Server", .server), ("Set-Cookie", .setCookie), ("TE", .te),
        ("traceparent", .traceParent), ("tracestate", .traceState),
        ("Trailer", .trailer), ("Transfer-Encoding", .transferEncoding), ("Upgrade", .upgrade),
        ("User-Agent", .userAgent), ("Vary", .vary), ("Via", .via), ("X-Api-Key", .xApiKey),
        ("X-Forwarded-For", .xForwardedFor), ("X-Forwarded-Host", .xForwardedHost),
        ("X-Forwarded-Proto", .xForwardedProto), ("X-Request-Id", .xRequestId),
    ]

    /// Classified twice: at the very end of the memory, and with octets behind as in a head.
    private func classify(_ name: String) -> [FieldName] {
        let count = name.utf8.count
        return [name, name + ": value of the field, long enough\r\n"].map { text in
            withExactBytes(text) {
                FieldClassifier.classify(UnsafeRawPointer($0.baseAddress!), count: count, readable: $0.count)
            }
        }
    }

    @Test func `every known name is found in any case`() {
        #expect(Set(Self.spellings.map(\.1)).union([.other]) == Set(FieldName.allCases))
        for (spelling, field) in Self.spellings {
            for name in [spelling, spelling.lowercased(), spelling.uppercased()] {
                #expect(classify(name) == [field, field], "\(name)")
            }
        }
    }

    @Test func `a name that differs in one octet is another field`() {
        let tokens = (0...127).map { UInt8($0) }.filter(ByteSet.token.contains)
        for (spelling, field) in Self.spellings {
            let octets = Array(spelling.lowercased().utf8)
            for index in octets.indices {
                for token in tokens where asciiLowercased(token) != octets[index] {
                    var changed = octets
                    changed[index] = token
                    let found = classify(String(decoding: changed, as: UTF8.self))
                    #expect(found == [.other, .other], "\(changed) is not \(field)")
                    if found != [.other, .other] { return }
                }
            }
        }
    }

    @Test func `a name that is shorter or longer is another field`() {
        for (spelling, _) in Self.spellings {
            #expect(classify(String(spelling.dropLast())) == [.other, .other], "\(spelling)")
            #expect(classify(spelling + "s") == [.other, .other], "\(spelling)")
            #expect(classify("x" + spelling) == [.other, .other], "\(spelling)")
        }
        #expect(classify("x") == [.other, .other])
        #expect(classify(String(repeating: "a", count: 300)) == [.other, .other])
    }
}
