import Testing

@testable import Proxy

@Suite struct AuthorityTests {
    private func host(_ text: String) -> String? {
        withExactBytes(text) { bytes in
            let range = ByteRange(start: 0, count: UInt32(bytes.count))
            let base = UnsafeRawPointer(bytes.baseAddress!)
            return Authority.host(in: range, of: base, readableEnd: bytes.count).map {
                String(decoding: bytes[Int($0.start)..<Int($0.end)], as: UTF8.self)
            }
        }
    }

    @Test(arguments: [
        ("a", "a"), ("a:0", "a"), ("a:80", "a"), ("a:65535", "a"), ("a:00080", "a"),
        ("api.example.com:443", "api.example.com"),
        ("very-long-name.of.an.upstream.example.com", "very-long-name.of.an.upstream.example.com"),
        ("very-long-name.of.an.upstream.example.com:8080", "very-long-name.of.an.upstream.example.com"),
        ("127.0.0.1:8000", "127.0.0.1"), ("_dmarc.a~b!$&'()*+,;=", "_dmarc.a~b!$&'()*+,;="),
        ("a%41b", "a%41b"),
        ("[::]", "[::]"), ("[::1]:8080", "[::1]"), ("[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7:8]"),
        ("[1::8]", "[1::8]"), ("[1::]", "[1::]"), ("[fe80::abCD]", "[fe80::abCD]"),
        ("[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]"),
        ("[1:2:3:4:5:6:192.0.2.255]:1", "[1:2:3:4:5:6:192.0.2.255]"),
        ("[1:2:3:4:5:6:7::]", "[1:2:3:4:5:6:7::]"),
    ])
    func `a host is taken out of its authority`(text: String, expected: String) {
        #expect(host(text) == expected)
    }

    @Test(arguments: [
        "", ":80", "a:", "a:x", "a:-1", "a:+1", "a:65536", "a:000080", "a:8 0", "a:80:80", "u@h",
        "u:p@h", "a b", "a/b",
        "a?b", "a#b", "a\\b", "a,b c", "a%4", "a%4g", "a%", "h\u{E9}", "<a>", "a\"", "a|b", "a^b", "[",
        "]", "[]", "[::1",
        "::1", "[::1]x", "[::1]:", "[::1]a:80", "[:::]", "[1:::2]", "[:1::2]", "[1::2:]", "[1::2::3]",
        "[12345::]",
        "[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8:9]", "[1:2:3:4:5:6:7:8::]", "[::1.2.3]", "[::1.2.3.4.5]",
        "[::256.1.1.1]",
        "[::01.1.1.1]", "[::1.2.3.4:1]", "[g::]", "[::1%25eth0]", "[v1.a]", "[1.2.3.4]", "[:]", "[1:]",
        "[::1]]", "[[::1]]",
        "very-long-name.of.an.upstream.example.com/", "very-long-name.of.an.upstream@example.com",
    ])
    func `what is no authority is refused`(text: String) {
        #expect(host(text) == nil)
        if !text.isEmpty {
            #expect(parseRequest("GET / HTTP/1.1\r\nHost: \(text)\r\n\r\n").error == .hostInvalid)
        }
    }

    @Test func `a host is refused wherever the wrong octet stands`() {
        for length in 1...40 {
            for place in 0..<length {
                var octets = Array(repeating: UInt8(ascii: "a"), count: length)
                octets[place] = UInt8(ascii: "@")
                #expect(host(String(decoding: octets, as: UTF8.self)) == nil)
            }
        }
    }
}
