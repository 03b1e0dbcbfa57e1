import Testing

/// What can be read in two ways is refused, and nothing after it is read as a request (RFC 9112 §11).
@Suite(.scenario) struct StrictWire {
    struct Malformed: Sendable {
        let name: String
        let bytes: [UInt8]
        let statuses: Set<Int>

        init(_ name: String, _ text: String, _ statuses: Set<Int> = [400]) {
            self.init(name, Array(text.utf8), statuses)
        }

        init(_ name: String, _ bytes: [UInt8], _ statuses: Set<Int> = [400]) {
            self.name = name
            self.bytes = bytes
            self.statuses = statuses
        }

        /// A request that is right but for these lines.
        static func line(_ lines: String, _ statuses: Set<Int> = [400]) -> Malformed {
            Malformed("\(lines.debugDescription)", "POST / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n\r\n", statuses)
        }

        static func start(_ line: String, _ statuses: Set<Int> = [400]) -> Malformed {
            Malformed(line.debugDescription, "\(line)\r\nHost: a\r\n\r\n", statuses)
        }

        static func host(_ value: String) -> Malformed {
            Malformed("Host: \(value.debugDescription)", "GET / HTTP/1.1\r\nHost: \(value)\r\n\r\n")
        }

        static func path(_ path: String) -> Malformed { start("GET \(path) HTTP/1.1") }

        static func body(_ name: String, _ chunks: String) -> Malformed {
            Malformed(name, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)")
        }
    }

    @Test func `a malformed field is refused`() throws {
        try requireRefused([
            .line("X-A : b"), .line(" X-A: b"), .line("X-A: b\r\n c"), .line("X-A: b\r\n\tc"),
            .line("X-A: b\rc"),
            .line("X-A: b\nX-B: c"), .line("X-A: b\u{0}c"), .line("X\u{0}A: b"), .line(": b"),
            .line("nonsense"),
            .line("X(A): b"), .line("X A: b"), .line("X\u{E9}: b"), .line("X-A: b\u{7}c"),
            .line("X-A: b\u{7F}"),
            .line("\u{B}X-A: b"),
            Malformed("lines that end with LF alone", "GET / HTTP/1.1\nHost: a\n\n"),
            Malformed("a start line that ends with LF alone", "GET / HTTP/1.1\nHost: a\r\n\r\n"),
            Malformed("an empty line that is LF alone", "GET / HTTP/1.1\r\nHost: a\r\n\n"),
            .line("Expect: 200-maybe", [417]),
        ])
    }

    @Test func `a malformed start line is refused`() throws {
        try requireRefused([
            .start("GET /"), .start("GET"), .start("GET  / HTTP/1.1"), .start("GET / HTTP/1.1 "),
            .start("GET /a b HTTP/1.1"),
            .start("GET\t/ HTTP/1.1"), .start(" GET / HTTP/1.1"), .start("G(T / HTTP/1.1"),
            .start("GET / http/1.1"),
            .start("GET / HTTP/1.10"), .start("GET / HTTP/01.1"), .start("GET / HTTP/1,1"),
            .start("GET / HTTP/1.x"),
            .start("GET / HTTP/2.0", [505]), .start("GET / HTTP/0.9", [505]), .start("GET / HTTP/3.1", [505]),
            .start("GET * HTTP/1.1"), .start("GET a HTTP/1.1"),
            .start("CONNECT a:443 HTTP/1.1", [400, 405, 501]),
            .start("GET http://user@a/ HTTP/1.1"), .start("GET http:///x HTTP/1.1"),
            .start("GET http://a:b/ HTTP/1.1"),
            Malformed("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400, 505]),
            Malformed(
                "the start of a TLS handshake",
                [0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3] + Array("\r\n\r\n".utf8)),
        ])
    }

    @Test func `a Host that is missing, doubled or no authority is refused`() throws {
        try requireRefused([
            Malformed("no Host", "GET / HTTP/1.1\r\nX-A: b\r\n\r\n"),
            Malformed("two equal Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
            Malformed("two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
            Malformed(
                "two Hosts beside an absolute target", "GET http://c/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
            Malformed("no Host beside an absolute target", "GET http://c/ HTTP/1.1\r\nX-A: b\r\n\r\n"),
            .host("user@a"), .host("a:b"), .host("a:"), .host("a:99999"), .host("a:-1"), .host("[::1"),
            .host("[::1]x"),
            .host("a b"), .host("a/b"), .host("a?b"), .host("a#b"), .host("a\\b"), .host("a%zz"),
            .host("a\tb"),
        ])
    }

    @Test func `a body whose length could be read in two ways is refused`() throws {
        let lengths = [
            "+5", "-1", "5a", "0x5", "5 5", "5, 6", "5,", "", "1e3", "5;", "\u{665}", "18446744073709551621",
            "9223372036854775808", "5\u{B}",
        ]
        let codings = [
            "gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked", "identity", "chunked;q=1",
            "xchunked",
            "chunked\u{B}", "\"chunked\"", ", chunked", "chunked,", "",
        ]
        var table = lengths.map { Malformed.line("Content-Length: \($0)") }
        for coding in codings {
            let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \(coding)\r\n\r\n"
            table.append(Malformed("Transfer-Encoding: \(coding)", head + "0\r\n\r\n", [400, 501]))
        }
        let framings: [Malformed] = [
            .line("Content-Length: 5\r\nContent-Length: 6"),
            .line("Content-Length: 5\r\nTransfer-Encoding: chunked"),
            .line("Transfer-Encoding: chunked\r\nContent-Length: 5"),
            .line("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", [400, 501]),
            .line("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", [400, 501]),
            .line("Transfer-Encoding : chunked"),
            .line("X-A: b\r\n Transfer-Encoding: chunked"),
            Malformed(
                "chunked from HTTP/1.0",
                "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ]
        try requireRefused(table + framings)
    }

    @Test func `a path that could be read in two ways is refused`() throws {
        try requireRefused([
            .path("/../x"), .path("/a/../b"), .path("/a/./b"), .path("/a/.."), .path("/."),
            .path("/%2e%2e/x"),
            .path("/a/%2E./b"), .path("/.%2e"), .path("/a%00b"), .path("/a\\b"), .path("/a\\..\\b"),
            .path("/a%zz"),
            .path("/a%4"), .path("/a%"), .path("/a#b"), .path("/a\u{7F}"), .path("/a\u{0}"),
            .path("http://a/../x"),
            Malformed(
                "a byte beyond ASCII",
                Array("GET /a".utf8) + [0xFF] + Array(" HTTP/1.1\r\nHost: a\r\n\r\n".utf8)),
        ])
    }

    @Test func `a head beyond the bounds is refused`() throws {
        let long = String(repeating: "x", count: 40_000)
        try requireRefused([
            .line("X-A: \(long)", [431]), .path("/\(long)").expecting([414, 431]),
            .line((0..<120).map { "X-\($0): b" }.joined(separator: "\r\n"), [431]),
            .line("\(long): b", [431]),
            Malformed("a start line without an end", "GET /" + long, [414, 431]),
        ])
    }

    @Test func `a chunked body that is not strict is refused`() throws {
        let next = "0\r\n\r\n"
        let table: [Malformed] = [
            .body("size not hexadecimal", "g\r\nx\r\n" + next), .body("no size", "\r\nx\r\n" + next),
            .body("size with a sign", "+1\r\nx\r\n" + next), .body("size with 0x", "0x1\r\nx\r\n" + next),
            .body("space before the size", " 1\r\nx\r\n" + next),
            .body("negative size", "-1\r\nx\r\n" + next),
            .body("size beyond 64 bits", "10000000000000001\r\nx\r\n" + next),
            .body("size line ends with LF", "1\nx\r\n" + next),
            .body("size line ends with CR", "1\rx\r\n" + next),
            .body("data longer than its size", "1\r\nxy\r\n" + next),
            .body("data ends with LF", "1\r\nx\n" + next),
            .body("data ends with CR", "1\r\nx\r" + next),
            .body("NUL in an extension", "1;a\u{0}b\r\nx\r\n" + next),
            .body("CR in an extension", "1;a\rb\r\nx\r\n" + next),
            .body("LF in an extension", "1;a\nb\r\nx\r\n" + next),
            .body(
                "an extension without bound",
                "1;" + String(repeating: "e", count: 70_000) + "\r\nx\r\n" + next),
            .body("a trailer that is no field", "1\r\nx\r\n0\r\nnonsense\r\n\r\n"),
            .body("a trailer with a space", "1\r\nx\r\n0\r\nX-A : b\r\n\r\n"),
            .body("a folded trailer", "1\r\nx\r\n0\r\nX-A: b\r\n c\r\n\r\n"),
            .body("a trailer that ends with LF", "1\r\nx\r\n0\r\nX-A: b\n\r\n"),
            .body("last chunk ends with LF", "1\r\nx\r\n0\n\r\n"),
            .body(
                "trailers without bound",
                "1\r\nx\r\n0\r\nX-A: " + String(repeating: "t", count: 70_000) + "\r\n\r\n"),
        ]
        try requireRefused(table.map { $0.expecting([400, 431]) })
    }

    @Test func `the same length said twice is sent once`() throws {
        let upstream = try ScriptedUpstream.answering { ok($0.text) }
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        for lines in ["Content-Length: 5\r\nContent-Length: 5", "Content-Length: 5, 5"] {
            let client = try gate.connect()
            try client.send("POST / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n\r\nhello")
            let response = try client.readResponse()
            // RFC 9112 §6.3: a list of one value repeated may be refused or taken as that value.
            #expect(response.status == 400 || response.text == "hello", "\(lines)")
        }
        #expect(upstream.requests.allSatisfy { $0.all("content-length") == ["5"] })
    }

    /// Each is answered with one of its statuses, an OpenAI-shaped error and the end of the connection. What
    /// follows it is not read, and the upstream has seen no request.
    private func requireRefused(_ table: [Malformed]) throws {
        let upstream = try ScriptedUpstream.saying("reached")
        let gate = try Gate("upstreams: { up: \(upstream.url) }")
        var wrong: [String] = []
        for malformed in table {
            do {
                if let problem = try problem(of: malformed, gate) {
                    wrong.append("\(malformed.name): \(problem)")
                }
            } catch {
                wrong.append("\(malformed.name): \(error)")
            }
        }
        #expect(wrong.isEmpty, "\(wrong.joined(separator: "\n"))")
        #expect(upstream.requests.map(\.headText) == [])
        #expect(try gate.exchange().text == "reached")
    }

    private func problem(of malformed: Malformed, _ gate: Gate) throws -> String? {
        let client = try gate.connect()
        defer { client.close() }
        client.patience = 5
        // It may be refused, and the connection closed, before all of this is sent.
        try? client.send(malformed.bytes + Array("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        let response = try client.readResponse()
        client.finishSending()
        let rest = try client.readToEnd().bytes
        if !malformed.statuses.contains(response.status) { return "status \(response.status)" }
        if response["connection"]?.lowercased() != "close" {
            return "Connection: \(response["connection"] ?? "-")"
        }
        if !rest.isEmpty { return "and then \(Text(rest.prefix(200)))" }
        if response.errorCode == nil { return "no code in \(response.text)" }
        return nil
    }
}

extension StrictWire.Malformed {
    func expecting(_ statuses: Set<Int>) -> Self {
        Self(name.count > 80 ? String(name.prefix(80)) : name, bytes, statuses)
    }
}
