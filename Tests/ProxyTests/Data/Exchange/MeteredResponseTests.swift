import Glibc
import Testing

@testable import Proxy

private let event = MeteredScene.event
private let done = MeteredScene.done
private let wide = LimitPlan.test(.ip, [(.tokens, .minute, 1 << 40)])

private enum Framing: CaseIterable { case chunked, length, close }

/// How an upstream frames a stream, in chunks of random sizes where it is chunked.
private func framed(
    _ stream: String, _ framing: Framing, _ random: inout SeededGenerator
) -> String {
    switch framing {
    case .close: return MeteredScene.streamHead + "\r\n" + stream
    case .length: return MeteredScene.streamHead + "Content-Length: \(stream.utf8.count)\r\n\r\n" + stream
    case .chunked:
        var text = MeteredScene.chunkedHead
        var rest = Substring(stream)
        while !rest.isEmpty {
            let count = Int.random(
                in: 1...[3, 100, 4000, 50_000].randomElement(using: &random)!, using: &random)
            text += MeteredScene.chunk(String(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return text + ["0\r\n\r\n", "0\r\nX-T: 1\r\n\r\n"].randomElement(using: &random)!
    }
}

private func sendInPieces(
    _ text: String, to endpoint: TestConnection, _ random: inout SeededGenerator
) throws {
    let bytes = Array(text.utf8)
    var start = 0
    while start < bytes.count {
        let most = [2, 60, 3000, 40_000].randomElement(using: &random)!
        let end = min(bytes.count, start + Int.random(in: 1...most, using: &random))
        try endpoint.send(Array(bytes[start..<end]))
        if Int.random(in: 0..<4, using: &random) == 0 { poll(nil, 0, 1) }
        start = end
    }
}

/// The content of chunks, and whether the last one is there.
private func unchunked(_ bytes: [UInt8]) -> (content: String, isWhole: Bool) {
    var content: [UInt8] = []
    var at = 0
    while let end = bytes[at...].firstIndex(of: 0x0D) {
        guard let size = Int(String(decoding: bytes[at..<end], as: UTF8.self), radix: 16) else { break }
        guard size > 0 else { return (String(decoding: content, as: UTF8.self), true) }
        content += bytes[(end + 2)..<min(bytes.count, end + 2 + size)]
        at = min(bytes.count, end + 4 + size)
    }
    return (String(decoding: content, as: UTF8.self), false)
}

@Suite struct MeteredResponseTests {
    // MARK: Every byte

    @Test(arguments: UInt64(1)...8)
    func `a stream comes whole however it is framed and cut, without the usage that nobody asked for`(
        seed: UInt64
    ) throws {
        var random = SeededGenerator(seed: seed)
        let scene = try MeteredScene([wide], reuses: seed.isMultiple(of: 2))
        defer { scene.end() }
        var endpoint: TestConnection?
        var settled: UInt64 = 0
        for framing in Framing.allCases {
            for (version, isOurs) in [("1.1", true), ("1.1", false), ("1.0", true), ("1.0", false)] {
                var events = (0..<Int.random(in: 1...6, using: &random)).map { _ in
                    let count = [1, 30, 3000, 17_000, 40_000].randomElement(using: &random)!
                    return event.replacing("Hi", with: String(repeating: "a", count: count))
                }
                let expected = isOurs ? events.joined() + done : events.joined() + MeteredScene.usage + done
                events += [MeteredScene.usage, done]
                let client = try scene.send(
                    MeteredScene.request(
                        isOurs ? MeteredScene.streaming : MeteredScene.streamingWithUsage, version: version))
                let connection = try endpoint ?? scene.upstream.accept()
                #expect(try connection.readMessage().body == MeteredScene.streamingWithUsage)
                let answer = framed(events.joined(), framing, &random)
                try sendInPieces(answer, to: connection, &random)
                endpoint = seed.isMultiple(of: 2) && framing != .close ? connection : nil
                if endpoint == nil { connection.close() }
                let got = version == "1.1" ? try client.readMessage().body : try readRest(client)
                #expect(got == expected, "seed \(seed), \(framing), \(version), \(isOurs)")
                settled += 13
                #expect(scene.settled() == settled)
            }
        }
    }

    private func readRest(_ client: TestConnection) throws -> String {
        #expect(try client.readHead()["transfer-encoding"] == nil)
        let (text, end) = try client.readToEnd()
        #expect(end == .fin)
        return text
    }

    @Test(arguments: ["1.1", "1.0"])
    func `trailers come behind a stream of which the usage was taken out`(version: String) throws {
        let scene = try MeteredScene([wide])
        defer { scene.end() }
        let asked = try scene.ask(MeteredScene.request(MeteredScene.streaming, version: version))
        let stream = MeteredScene.chunk(event) + MeteredScene.chunk(MeteredScene.usage + done)
        for byte in (MeteredScene.chunkedHead + stream + "0\r\nX-Sum: 7\r\n\r\n").utf8 {
            try asked.endpoint.send([byte])
        }
        guard version == "1.1" else { return #expect(try readRest(asked.client) == event + done) }
        let answer = try asked.client.readMessage()
        #expect(answer.body == event + done && answer.trailers == ["X-Sum: 7"])
        // The connection stands where the next request begins.
        try asked.client.send(MeteredScene.request())
        let next = try scene.upstream.accept()
        _ = try next.readMessage()
        try next.send(MeteredScene.json("{}"))
        #expect(try asked.client.readMessage().body == "{}")
    }

    @Test(arguments: ["", "Content-Encoding: identity\r\n"])
    func `a JSON answer goes on as it is`(coding: String) throws {
        let scene = try MeteredScene([wide])
        defer { scene.end() }
        let asked = try scene.ask(MeteredScene.request(MeteredScene.streaming))
        let body = " {\n\"usage\": {\"prompt_tokens\": 10, \"completion_tokens\":3},\t\"choices\":[ ] }\r\n"
        try asked.endpoint.send(MeteredScene.json(body, fields: coding))
        let answer = try asked.client.readMessage()
        #expect(answer.rawBody == body && answer["content-length"] == "\(body.utf8.count)")
        #expect(scene.settled() == 13)
    }

    @Test(
        arguments: [
            "Content-Encoding: gzip\r\n", "Content-Encoding: gzip\r\nContent-Encoding: identity\r\n",
        ])
    func `an answer that cannot be read goes on as it is, and is charged what was reserved`(coding: String)
        throws
    {
        let scene = try MeteredScene([wide])
        defer { scene.end() }
        let stream = event + MeteredScene.usage + done
        let asked = try scene.ask(MeteredScene.request(MeteredScene.streaming))
        try asked.endpoint.send(
            MeteredScene.streamHead + coding + "Content-Length: \(stream.utf8.count)\r\n\r\n" + stream)
        let answer = try asked.client.readMessage()
        #expect(answer.rawBody == stream && answer["content-length"] == "\(stream.utf8.count)")
        #expect(scene.settled() == 106)
        let usage = try #require(try scene.usage())
        #expect(usage.record.isEstimated && usage.record.inputTokens == 6)
    }

    @Test func `a slow client gets everything`() throws {
        let scene = try MeteredScene([wide])
        defer { scene.end() }
        let request = MeteredScene.request(MeteredScene.streaming, fields: "Connection: close\r\n")
        let asked = try scene.ask(request, receiveBuffer: 16384)
        let long = event.replacing("Hi", with: String(repeating: "a", count: 3000))
        let stream = String(repeating: long, count: 2000) + MeteredScene.usage
        let answer =
            MeteredScene.streamHead + "Content-Length: \(stream.utf8.count)\r\n\r\n" + stream
        let (bytes, end) = try readSlowly(asked, Array(answer.utf8))
        let (content, isWhole) = unchunked(bytes)
        #expect(content == String(repeating: long, count: 2000) && isWhole && end == .fin)
        #expect(scene.settled() == 13)
    }

    /// Sends as the worker takes it, while the client reads less. - Returns: the client's bytes of the body.
    private func readSlowly(
        _ asked: MeteredScene.Asked, _ bytes: [UInt8]
    ) throws -> (body: [UInt8], end: TestConnection.End) {
        var sent = 0
        var ticks = 0
        while sent < bytes.count {
            guard let count = try? asked.endpoint.sendSome(bytes[sent...]) else { break }
            sent += count
            // Long enough for the queue to fill, then slowly.
            if count == 0 { ticks += 1 }
            if ticks > 50 { _ = try asked.client.readMore(max: 16384) }
            if count == 0 { poll(nil, 0, 1) }
        }
        _ = try asked.client.readHead()
        let (text, end) = try asked.client.readToEnd()
        return (Array(text.utf8), end)
    }

    // MARK: Heads

    @Test(arguments: [true, false])
    func `an upstream is asked not to compress where its answer is read`(isMetered: Bool) throws {
        let limits: [LimitPlan] = isMetered ? [wide] : [.test(.ip, perMinute: 9)]
        let scene = try MeteredScene(limits, recordsUsage: false)
        defer { scene.end() }
        let asked = try scene.ask(MeteredScene.request(fields: "Accept-Encoding: gzip, br\r\n"))
        #expect(asked.request["accept-encoding"] == (isMetered ? "identity" : "gzip, br"))
        #expect(asked.request.body == MeteredScene.body)
        try asked.endpoint.send(MeteredScene.json("{}"))
        #expect(try asked.client.readMessage().status == 200)
        let client = try scene.send("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n")
        let endpoint = try scene.upstream.accept()
        #expect(try endpoint.readMessage()["accept-encoding"] == "gzip")
        try endpoint.send(MeteredScene.json(MeteredScene.usage(10, 3)))
        #expect(try client.readMessage().status == 200)
    }

    @Test func `what the route says of compression holds`() throws {
        let line = HeaderEdits.Assignment(
            name: Array("accept-encoding".utf8), line: Array("Accept-Encoding: br\r\n".utf8))
        let scene = try MeteredScene([wide], requestHeaders: HeaderEdits(assignments: [line], removals: []))
        defer { scene.end() }
        let asked = try scene.ask()
        #expect(asked.request["accept-encoding"] == "br")
        asked.client.close()
    }

    @Test(
        arguments: [
            ([.openai], .requests, ["8"], true), ([.openai], .money, ["up"], true),
            ([.ietf], .requests, ["up"], false), ([.openai, .ietf], .tokens, [], false),
            ([], .requests, ["up"], true),
        ] as [(RateLimitFieldStyles, LimitMeasure.Unit, [String], Bool)])
    func `fields of the upstream give way to ours, where there are any`(
        styles: RateLimitFieldStyles, unit: LimitMeasure.Unit, requests: [String], passesIETF: Bool
    ) throws {
        let scene = try MeteredScene([.test(.ip, [(unit, .minute, 9)])], rateLimitFields: styles)
        defer { scene.end() }
        let asked = try scene.ask(MeteredScene.request("{}"))
        try asked.endpoint.send(
            MeteredScene.json(
                "{}", fields: "x-ratelimit-remaining-requests: up\r\nRateLimit: up\r\n"))
        let answer = try asked.client.readMessage()
        #expect(answer.values("x-ratelimit-remaining-requests") == requests)
        #expect(answer.values("ratelimit").contains("up") == passesIETF)
    }

    // MARK: More than was reserved

    private static let short = streamingBody(maxTokens: 2)
    private static func streamingBody(maxTokens: Int) -> String {
        MeteredScene.streaming.replacing("100", with: "\(maxTokens)")
    }

    private func expectCut(_ asked: MeteredScene.Asked, events: Int) throws {
        for index in 0..<events {
            try asked.endpoint.send(MeteredScene.chunk(event))
            #expect(
                try asked.client.readText(through: "\n\n\r\n").hasSuffix(MeteredScene.chunk(event)),
                "\(index)")
        }
        let (text, end) = try asked.client.readToEnd()
        let (content, isWhole) = unchunked(Array(text.utf8))
        #expect(
            content.hasPrefix("data: {\"error\":{\"message\":\"Rate limit of 20 tokens per minute exceeded"))
        #expect(content.hasSuffix("}}\n\n") && content.contains("\"code\":\"rate_limit_exceeded\""))
        #expect(!content.dropLast(2).contains("\n") && !isWhole && end == .fin)
    }

    @Test func `a stream that has used up a limit is cut between two events, and says so`() throws {
        let scene = try MeteredScene([.test(.ip, [(.tokens, .minute, 20)], cuts: true)])
        defer { scene.end() }
        let asked = try scene.ask(MeteredScene.request(Self.short))
        #expect(scene.used() == 8)
        try asked.endpoint.send(MeteredScene.chunkedHead)
        _ = try asked.client.readHead()
        // 6 of input and 14 are within the limit, one more is not.
        try expectCut(asked, events: 15)
        #expect(scene.settled() == 21)
        let record = try scene.worker.record()
        #expect(record.outcome == .cut && record[.errorCode] == "rate_limit_exceeded")
        let usage = try #require(scene.worker.usages().first)
        #expect(usage.record.failed && usage.record.isEstimated && usage.record.outputTokens == 15)
        #expect(try scene.send().readMessage().status == 429)
    }

    @Test func `half an event is not cut`() throws {
        let scene = try MeteredScene([.test(.ip, [(.tokens, .minute, 8)], cuts: true)])
        defer { scene.end() }
        let asked = try scene.ask(MeteredScene.request(Self.short))
        let events = String(repeating: event, count: 5)
        try asked.endpoint.send(
            MeteredScene.chunkedHead + MeteredScene.chunk(events + "data: {\"choices\":[{"))
        _ = try asked.client.readText(through: events)
        _ = try asked.client.readText(through: "[{\r\n")
        #expect(asked.client.isQuiet(milliseconds: 20))
        try asked.endpoint.send(MeteredScene.chunk("}]}\n\n"))
        let (text, _) = try asked.client.readToEnd()
        #expect(text.contains("}]}\n\n") && text.contains("\"error\""))
        #expect(scene.settled() == 11)
    }

    @Test func `what has come to its end is not cut`() throws {
        let scene = try MeteredScene([.test(.ip, [(.tokens, .minute, 8)], cuts: true)])
        defer { scene.end() }
        let asked = try scene.ask(MeteredScene.request(Self.short))
        let events = String(repeating: event, count: 5) + done
        try asked.endpoint.send(MeteredScene.chunkedHead + MeteredScene.chunk(events) + "0\r\n\r\n")
        #expect(try asked.client.readMessage().body == events)
        #expect(scene.settled() == 11)
    }

    @Test func `an answer that is one JSON text is never cut`() throws {
        let scene = try MeteredScene([.test(.ip, [(.tokens, .minute, 200)], cuts: true)])
        defer { scene.end() }
        let text = String(repeating: "word ", count: 2000)
        let body = #"{"choices":[{"message":{"content":"\#(text)"}}]}"#
        #expect(try scene.exchange(body).body == body)
        #expect(scene.settled() == 6 + 2500)
    }

    @Test func `a stream that may finish goes on, and its debt keeps out the next`() throws {
        let scene = try MeteredScene([.test(.ip, [(.tokens, .minute, 20)])])
        defer { scene.end() }
        let asked = try scene.ask(MeteredScene.request(Self.short))
        let events = String(repeating: event, count: 30)
        try asked.endpoint.send(MeteredScene.chunkedHead + MeteredScene.chunk(events))
        _ = try asked.client.readText(through: events)
        // What has come is reserved while it runs.
        #expect(eventually { scene.used() >= 36 })
        try asked.endpoint.send(MeteredScene.chunk(done) + "0\r\n\r\n")
        _ = try asked.client.readText(through: "0\r\n\r\n")
        #expect(scene.settled() == 36)
        #expect(try scene.send(MeteredScene.request(Self.short)).readMessage().status == 429)
    }

    @Test(arguments: [(20, 1000, true), (1000, 20, false)] as [(UInt64, UInt64, Bool)])
    func `of limits that cut and that let finish, the one that cuts decides`(
        cutting: UInt64, finishing: UInt64, isCut: Bool
    ) throws {
        let scene = try MeteredScene([
            .test(.ip, [(.tokens, .minute, cutting)], cuts: true),
            .test(.ip, [(.tokens, .minute, finishing)]),
        ])
        defer { scene.end() }
        let asked = try scene.ask(MeteredScene.request(Self.short))
        try asked.endpoint.send(MeteredScene.chunkedHead)
        _ = try asked.client.readHead()
        if isCut {
            try expectCut(asked, events: 15)
        } else {
            try asked.endpoint.send(
                MeteredScene.chunk(String(repeating: event, count: 15)) + "0\r\n\r\n")
            _ = try asked.client.readText(through: "0\r\n\r\n")
        }
        #expect(scene.settled(0) == 21 && scene.settled(1) == 21)
    }

    @Test func `a slow client gets all that came before the cut, and why it is cut`() throws {
        let scene = try MeteredScene([.test(.ip, [(.tokens, .minute, 1000)], cuts: true)])
        defer { scene.end() }
        let asked = try scene.ask(MeteredScene.request(Self.short), receiveBuffer: 16384)
        let long = event.replacing("Hi", with: String(repeating: "a", count: 3000))
        let stream = MeteredScene.chunk(String(repeating: long, count: 2000))
        let answer = MeteredScene.chunkedHead + stream
        let (bytes, end) = try readSlowly(asked, Array(answer.utf8))
        let (content, isWhole) = unchunked(bytes)
        let mark = "data: {\"error\""
        let parts = content.split(separator: mark, omittingEmptySubsequences: false)
        #expect(parts.count == 2 && parts[0].hasSuffix("\n\n") && parts.last?.hasSuffix("}}\n\n") == true)
        #expect(stream.contains(parts[0]) && !isWhole && end == .fin)
    }
}
