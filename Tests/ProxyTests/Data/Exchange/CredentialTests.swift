import Testing

@testable import Proxy

/// The credential of a request with these fields: `none`, `conflicting`, or its bytes and forms.
private func credential(_ fields: String) throws -> String {
    let table = FieldTable()
    defer { table.deallocate() }
    let text = Array("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n".utf8)
    return try text.withUnsafeBytes { bytes in
        let head = try HeadParser.parseRequest(
            bytes, limits: HeadLimits(maxBytes: 65536, maxFields: 100), fields: table)
        switch Credential.find(in: table, head!, bytes) {
        case .none: return "none"
        case .conflicting: return "conflicting"
        case .one(let found):
            let forms = [(CredentialSchemes.bearer, "bearer"), (.raw, "raw")]
                .filter { found.forms.contains($0.0) }.map(\.1)
            return (["<\(String(decoding: found.bytes, as: UTF8.self))>"] + forms).joined(separator: " ")
        }
    }
}

private func withCredential<Result>(_ text: String, _ body: (Credential) -> Result) -> Result {
    let table = FieldTable()
    defer { table.deallocate() }
    var bytes = Array("x: \(text)".utf8)
    return bytes.withUnsafeMutableBytes { raw in
        let value = ByteRange(start: 3, count: UInt32(raw.count - 3))
        table.lines[0] = FieldLine(name: .empty, value: value, known: .apiKey, isHopByHop: false)
        var head = RequestHead()
        head.fieldCount = 1
        guard case .one(let found) = Credential.find(in: table, head, UnsafeRawBufferPointer(raw)) else {
            fatalError("no credential in \(text)")
        }
        return body(found)
    }
}

@Suite(.tags(.fast)) struct CredentialTests {
    @Test func `one credential is found, wherever it stands`() throws {
        for (fields, expected) in [
            ("", "none"), ("Cookie: key=a\r\n", "none"),
            ("Authorization: Bearer a.b\r\n", "<a.b> bearer"), ("AUTHORIZATION: bearer  a\r\n", "<a> bearer"),
            ("Authorization: Bearer \r\n", "<> bearer"), ("Authorization: Bearer\r\n", "<> bearer"),
            ("Authorization: Bearer a b\r\n", "<a b> bearer"), ("Authorization: a\r\n", "<a> raw"),
            ("Authorization: Bearera\r\n", "<Bearera> raw"), ("Authorization:\r\n", "none"),
            ("Authorization: Basic YTpi\r\n", "<Basic YTpi>"),
            ("Authorization: Bearer\ta\r\n", "<Bearer\ta> raw"),
            ("x-api-key: a\r\n", "<a> bearer"), ("Api-Key: a\r\n", "<a> bearer"), ("x-api-key:\r\n", "none"),
            ("Connection: x-api-key\r\nx-api-key: a\r\n", "<a> bearer"),
            ("Proxy-Authorization: Bearer a\r\n", "none"),
            ("Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.k-1, x\r\n", "<k-1>"),
            ("Sec-WebSocket-Protocol: realtime\r\n", "none"),
        ] {
            #expect(try credential(fields) == expected, "\(fields)")
        }
    }

    @Test func `the same twice is one, in every way it came, and two that differ are none`() throws {
        for (fields, expected) in [
            ("Authorization: Bearer a\r\nx-api-key: a\r\napi-key: a\r\n", "<a> bearer"),
            ("Authorization: a\r\nx-api-key: a\r\n", "<a> bearer raw"),
            ("x-api-key: a\r\nx-api-key: a\r\n", "<a> bearer"),
            ("Authorization: Bearer a\r\nx-api-key: b\r\n", "conflicting"),
            ("Authorization: Bearer a\r\nAuthorization: Bearer ab\r\n", "conflicting"),
            ("Authorization: Bearer\r\nx-api-key: b\r\n", "conflicting"),
            ("Authorization: Basic a\r\nx-api-key: a\r\n", "conflicting"),
            ("api-key:\r\nx-api-key: a\r\n", "<a> bearer"),
        ] {
            #expect(try credential(fields) == expected, "\(fields)")
        }
    }

    @Test func `three parts of base64url look like a token, and nothing else does`() {
        for text in ["a.b.c", "eyJ-_.e30.", "AZ.az.09"] {
            #expect(withCredential(text) { $0.looksLikeJWT }, "\(text)")
        }
        for text in ["a", "a.b", "a.b.c.d", ".b.c", "a..c", "a.b=.c", "a.b.c+", "a.b.c/", "a b.c.d", "é.b.c"]
        {
            #expect(!withCredential(text) { $0.looksLikeJWT }, "\(text)")
        }
    }

    // FIPS 180-4 and the examples of its validation programme.
    @Test func `the digest is SHA-256`() {
        for (text, expected) in [
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ] {
            let hex = withCredential(text) { $0.digest.bytes }.map { byte in
                String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
            }
            #expect(hex.joined() == expected)
        }
    }
}
