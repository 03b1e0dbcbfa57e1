import Testing

@testable import Proxy

// Covers RecordParts.swift

private func kept(_ texts: [RecordText: String], _ change: (inout ExchangeRecord) -> Void) -> [String] {
    var record = ExchangeRecord()
    record.startedAt = 1_250_000_000
    record.totalTime = 5_000_000
    record.generation = 3
    change(&record)
    let all = RecordText.allCases.map { Array((texts[$0] ?? "").utf8) }
    return ExchangeTelling(kept: .init(record: record, texts: all)).lines
}

private let usual: [RecordText: String] = [
    .requestID: "id-1", .method: "POST", .path: "/v1/chat/completions", .host: "api.example",
    .listener: "main", .route: "routes[0]", .auth: "apps", .caller: "web app", .model: "gpt-5",
    .upstream: "openai", .endpoint: "http://b:80",
]

@Suite(.tags(.fast)) struct ExchangeStoryTests {
    @Test func `a request that went through is told decision by decision`() {
        var texts = usual
        texts[.key] = "environment ***abcd"
        texts[.limit] = "per-key"
        texts[.limitNumber] = "usd_per_day"
        texts[.earlierPlaces] = "openai\0http://a:80\0"
        let lines = kept(texts) { record in
            record.peer = PeerAddress(high: 0, low: 0xFFFF_7F00_0001, port: 9, isUnix: false)
            record.limit = RecordedLimit(
                verdict: .passed, unit: .money, max: 10_000_000_000, used: 250_000_000)
            record.attempts = 2
            record.attempt[0].cause = .status
            record.attempt[0].status = 503
            record.attempt[0].took = 1_500
            record.queueTime = 2_000_000
            record.connectTime = 700_000
            record.firstByteTime = 3_000_000
            record.status = 200
            record.responseBodyBytes = 512
            record.isMetered = true
            record.inputTokens = 9
            record.outputTokens = 12
        }
        #expect(
            lines == [
                "request id-1 at 1970-01-01T00:00:01.250Z",
                "  asked     POST /v1/chat/completions of api.example, by 127.0.0.1 at listener main",
                "  route     routes[0], by generation 3",
                "  auth      apps, as web app",
                "  model     gpt-5",
                "  limits    passed; nearest was per-key usd_per_day, $0.25 of $10 used",
                "  queue     waited 2.000 ms for a place",
                "  attempt 1 openai http://a:80: answered 503 after 1.500 ms; once more",
                "  attempt 2 openai http://b:80, with the key of environment ***abcd, connected in 0.700 ms",
                "  answer    200, first byte after 3.000 ms, 512 bytes",
                "  used      9 tokens of input, 12 of output",
                "  outcome   answered whole, after 5.000 ms",
            ])
    }

    @Test func `what was refused says by what`() {
        let limited = kept([
            .requestID: "x", .method: "GET", .path: "/", .listener: "main", .route: "routes[1]",
            .auth: "open",
            .limit: "per-ip", .limitNumber: "requests_per_minute", .errorCode: "rate_limit_exceeded",
        ]) { record in
            record.limit = RecordedLimit(verdict: .refused, max: 2, used: 2, wait: 30_000_000_000)
            record.status = 429
            record.fault = .client
        }
        #expect(limited.contains("  auth      open, nobody in particular"))
        let limit = "refused by per-ip requests_per_minute, 2 of 2 used; room again in 30000.000 ms"
        #expect(limited.contains("  limits    \(limit)"))
        #expect(limited.contains("  answer    429 rate_limit_exceeded by the gateway, 0 bytes"))
        #expect(limited.last == "  outcome   answered whole, by the client, after 5.000 ms")
        let stranger = kept([.method: "GET", .path: "/", .route: "routes[1]", .errorCode: "invalid_api_key"])
        {
            $0.status = 401
        }
        #expect(stranger.contains("  auth      no entry let it in"))
        #expect(!stranger.contains { $0.hasPrefix("  limits") })
        let lost = kept([.errorCode: "unknown_url", .method: "GET", .path: "/x"]) { $0.status = 404 }
        #expect(lost.contains("  route     none, by generation 3"))
    }

    @Test func `attempts of which nothing is kept are counted`() {
        var texts = usual
        texts[.earlierPlaces] = "a\0\0b\0http://b:1\0c\0http://c:1\0"
        let lines = kept(texts) { record in
            record.attempts = 6
            record.attempt[0].cause = .keyMissing
            record.attempt[1].cause = .unconnected
            record.attempt[2].cause = .stale
        }
        #expect(
            lines.contains("  attempt 1 a, no endpoint: there is no key for it after 0.000 ms; once more"))
        #expect(lines.contains("            2 attempts more, of which nothing is kept"))
        #expect(lines.contains("  attempt 6 openai http://b:80"))
        #expect(lines.contains("  answer    none"))
    }

    @Test func `each cause, verdict and outcome has words of its own`() {
        let causes = RecordedAttempt.Cause.allCases
        #expect(Set(causes.map(\.text)).count == causes.count)
        #expect(Set(causes.map { RecordedAttempt(cause: $0).told }).count == causes.count)
        let verdicts = RecordedLimit.Verdict.allCases
        #expect(Set(verdicts.map(\.text)).count == verdicts.count)
    }

    @Test func `nothing that a client sends moves the terminal`() {
        let lines = kept([.method: "GET", .path: "/\u{1B}[2J\n"]) { _ in }
        #expect(lines[1].contains("/\u{FFFD}[2J\u{FFFD}"))
    }

    @Test func `what is not there is said with how far back it goes`() {
        let recent = RecentRecords(capacity: 128 << 10)
        let early = ExchangeStory(id: "x", recent: recent, running: 2)
        #expect(!early.isFound)
        #expect(
            early.text
                == "no exchange with the request id x has ended here: it may be one of the 2 exchanges "
                + "that run; nothing is remembered yet")
        #expect(
            early.json.hasPrefix(#"{"request_id":"x","exchanges":[],"remembered":{"count":0,"since":null}"#))
        var record = ExchangeRecord()
        record.startedAt = 1_000_000_000
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        let ring = RecordRing()
        #expect(ring.append(record, texts: RecordTexts(items: InlineArray { _ in none })))
        ring.drainLying { recent.keep($0) }
        let late = ExchangeStory(id: "x", recent: recent, running: 0)
        #expect(
            late.text == "no exchange with the request id x has ended here; "
                + "1 exchange since 1970-01-01T00:00:01.000Z are remembered")
        let found = ExchangeStory(id: "", recent: recent, running: 0)
        #expect(found.isFound && found.json.contains(#""exchanges":[{"ts":"1970-01-01T00:00:01.000Z""#))
    }
}
