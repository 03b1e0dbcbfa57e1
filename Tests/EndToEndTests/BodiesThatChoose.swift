import Glibc
import Testing

@testable import CLI

/// Bodies whose model says where they go: held where that decides, streamed where nothing depends on it.
@Suite(.scenario) struct BodiesThatChoose {
    private static let path = "/v1/chat/completions"
    private static let byteCount = 20 << 20
    private static let start = Array(#"{"messages":[{"role":"user","content":""#.utf8)
    private static let end = Array(#""}],"model":"m"}"#.utf8)

    /// - Parameters:
    ///   - received: counts bytes of bodies.
    ///   - mayRead: opened when it may begin to.
    private func counting(_ received: Counter, mayRead: Signal? = nil) throws -> ScriptedUpstream {
        try ScriptedUpstream { connection in
            while let request = try connection.readRequestHead() {
                try mayRead?.wait(within: 60)
                var left = Int(request["content-length"] ?? "") ?? 0
                while left > 0 {
                    let piece = try connection.wire.readSome(max: left)
                    guard !piece.isEmpty else { return }
                    left -= piece.count
                    received.add(piece.count)
                }
                try connection.send(ok("in"))
            }
        }
    }

    /// - Parameter bound: `inspect_body`.
    private func gate(
        _ models: String, _ one: ScriptedUpstream, _ two: ScriptedUpstream, bound: String = "16MiB"
    ) throws -> Gate {
        try Gate(
            """
            process: { workers: 1 }
            models: { \(models) }
            upstreams: { one: "\(one.url)", two: "\(two.url)" }
            access_log: $FOLDER/access.log
            routes: [{ path: /v1/**, auth: open, inspect_body: \(bound), to: models }]
            """)
    }

    private func head(_ gate: Gate, _ count: Int = byteCount) -> String {
        gate.request("POST", Self.path, fields: ["Content-Length: \(count)"])
    }

    /// A chat request of so many bytes, its model last.
    private func body(_ count: Int) -> [UInt8] {
        Self.start + [UInt8](repeating: UInt8(ascii: "x"), count: count - Self.start.count - Self.end.count)
            + Self.end
    }

    @Test(arguments: ["16MiB", "64KiB"]) func `with one upstream 20 MB stream through, and nothing is held`(
        bound: String
    ) throws {
        let received = Counter()
        let one = try counting(received)
        let gate = try gate("\"*\": one", one, one, bound: bound)
        let client = try gate.connect()
        // To warm up: what a process needs once, it keeps. Why small ones: a large one that was held would
        // leave room for the next.
        let small = body(256 << 10)
        for _ in 0..<4 {
            try client.send(head(gate, small.count))
            try client.send(small)
            #expect(try client.readResponse().text == "in")
        }
        let (before, sent, body) = (gate.process.residentKiB, received.value, body(Self.byteCount))
        var most = before
        try client.send(head(gate))
        for start in stride(from: 0, to: Self.byteCount - 1 << 20, by: 1 << 20) {
            try client.send(Array(body[start..<start + 1 << 20]))
            try waitUntil("most of it to arrive") { received.value - sent > start }
            most = max(most, gate.process.residentKiB)
        }
        #expect(ChildProcess.isSanitized || most - before < 1 << 10, "\(before) KiB, then \(most)")
        #expect(!client.isReadable, "no answer yet")
        try client.send(Array(body.suffix(1 << 20)))
        #expect(try client.readResponse().text == "in")
        #expect(received.value - sent == Self.byteCount)
    }

    @Test func `of a chunked body nobody knows in time that it is too large`() throws {
        let one = try ScriptedUpstream.saying("in")
        let gate = try gate("\"*\": one", one, one, bound: "64KiB")
        let client = try gate.connect()
        let text = String(decoding: body(65 << 10), as: UTF8.self)
        try client.send(
            gate.request("POST", Self.path, fields: ["Transfer-Encoding: chunked"]) + chunked(text, by: 8192))
        #expect(try client.readResponse().errorCode == "body_too_large_to_inspect")
        #expect(one.requests.isEmpty)
    }

    @Test func `an upstream that does not read stops its clients, and no more than 256 KiB of each is held`()
        throws
    {
        let (received, mayRead) = (Counter(), Signal())
        let one = try counting(received, mayRead: mayRead)
        let gate = try gate("\"*\": one", one, one)
        let clients = try (0..<16).map { _ in try gate.connect() }
        let before = gate.process.residentKiB
        let block = Array(body(Self.byteCount).prefix(1 << 20))
        for client in clients { try client.send(head(gate)) }
        var total = 0
        var idleSince = Clock.seconds
        try waitUntil("nobody to take any more") {
            let now = try clients.reduce(0) { try $0 + $1.sendWithoutWaiting(block) }
            total += now
            if now > 0 { idleSince = Clock.seconds }
            return Clock.seconds - idleSince > 0.3
        }
        #expect(total < clients.count * Self.byteCount, "they were stopped")
        let grown = gate.process.residentKiB - before
        #expect(ChildProcess.isSanitized || grown < clients.count * 256 + 1 << 10, "\(grown) KiB")
        #expect(received.value == 0)
    }

    @Test(arguments: ["m: one, \"*\": two", "\"*\": one/other"])
    func `where it decides, 20 MB are refused by the name of the bound`(models: String) throws {
        let received = Counter()
        let one = try counting(received)
        let gate = try gate(models, one, one)
        let client = try gate.connect()
        try client.send(head(gate))
        let refused = try client.readResponse()
        #expect(refused.status == 413 && refused.errorCode == "body_too_large_to_inspect")
        #expect(refused.errorMessage?.contains("inspect_body") == true, "\(refused.text)")
        #expect(one.requests.isEmpty)
        #expect(try gate.chat().status == 200, "smaller ones go on")
    }

    /// Chunks of so many bytes each.
    private func chunked(_ body: String, by size: Int) -> String {
        let bytes = Array(body.utf8)
        return stride(from: 0, to: bytes.count, by: size).map {
            chunk(String(decoding: bytes[$0..<min($0 + size, bytes.count)], as: UTF8.self))
        }.joined() + "0\r\n\r\n"
    }

    @Test(arguments: [1, 7, 100_000]) func `chunks may end anywhere`(size: Int) throws {
        let one = try ScriptedUpstream.saying("one")
        let two = try ScriptedUpstream.saying("two")
        let gate = try gate("m: two/models/other, \"*\": one", one, two)
        let body = chatBody("\"user\":\"ü\\u00fc\",")
        // As ASCII: a chunk that ends within a character is no text here.
        let plain = body.replacing("ü", with: "u")
        let client = try gate.connect()
        for _ in 0..<3 {
            try client.send(
                gate.request("POST", Self.path, fields: ["Transfer-Encoding: chunked"])
                    + chunked(plain, by: size))
            #expect(try client.readResponse().text == "two")
        }
        let wanted = plain.replacing("\"model\":\"m\"", with: "\"model\":\"models/other\"")
        #expect(two.requests.map(\.text) == [wanted, wanted, wanted])
        #expect(one.requests.isEmpty)
    }

    @Test func `a body may come byte by byte, and with the next request behind it`() throws {
        let one = try ScriptedUpstream.saying("one")
        let two = try ScriptedUpstream.saying("two")
        let gate = try gate("m: two/other, \"*\": one", one, two)
        let client = try gate.connect()
        let both = gate.chatRequest() + gate.chatRequest(model: "unlisted")
        try client.sendByteByByte(both)
        #expect(try client.readResponse().text == "two")
        #expect(try client.readResponse().text == "one")
        #expect(two.requests.map(\.text) == [chatBody(model: "other")])
        #expect(one.requests.map(\.text) == [chatBody(model: "unlisted")])
    }

    @Test(arguments: [false, true]) func `a body that is cut goes nowhere`(isChunked: Bool) throws {
        let one = try ScriptedUpstream.saying("one")
        let gate = try gate("m: one/other, \"*\": one", one, one)
        for cut in [1, 30, chatBody().utf8.count - 1] {
            let client = try gate.connect()
            let part = String(chatBody().prefix(cut))
            let field = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(chatBody().utf8.count)"
            try client.send(
                gate.request("POST", Self.path, fields: [field]) + (isChunked ? chunk(part) : part))
            try waitUntil("the exchange to run") { try gate.sum("exchanges_running") == 1 }
            client.close()
            try waitUntil("the exchange to end") { try gate.sum("exchanges_running") == 0 }
        }
        #expect(one.requests.isEmpty)
        #expect(try gate.record()["outcome"] == "client_gone")
        #expect(try gate.chat().text == "one")
    }
}
