import JSON
import Testing

@testable import Proxy

private func spans(_ given: [RecordText: String], _ change: (inout ExchangeRecord) -> Void) -> [String] {
    var record = ExchangeRecord()
    record.startedAt = 1_000_000_000
    record.headTime = 1_000
    record.totalTime = 5_000_000
    record.trace = RecordedTrace(high: 0xAB, low: 0xCD, spanID: 0xE, parentID: 0, flags: 1)
    change(&record)
    let texts = RecordText.allCases.map { Array((given[$0] ?? "").utf8) }
    return SpanFormat(record: record, texts: texts).spans.map { String(decoding: $0, as: UTF8.self) }
}

private let usual: [RecordText: String] = [
    .requestID: "id-1", .method: "POST", .path: "/v1/x", .host: "api", .route: "routes[0]",
    .upstream: "openai",
    .endpoint: "https://b.example:8443", .model: "gpt-5",
]

@Suite(.tags(.fast)) struct SpanFormatTests {
    @Test func `an exchange is a span of the server, and each attempt one of a client below it`() {
        var texts = usual
        texts[.earlierPlaces] = "other\0http://a:80\0"
        let found = spans(texts) { record in
            record.trace.parentID = 0xF
            record.attempts = 2
            record.attempt[0] = RecordedAttempt(status: 503, cause: .status, startedAfter: 10, took: 20)
            record.attempt[1].startedAfter = 40
            record.firstByteTime = 1
            record.status = 200
            record.isMetered = true
            record.inputTokens = 3
        }
        #expect(found.count == 3)
        let trace = #""traceId":"00000000000000ab00000000000000cd""#
        let server =
            #"{\#(trace),"spanId":"000000000000000e","parentSpanId":"000000000000000f","#
            + #""name":"POST routes[0]","kind":2,"#
            + #""startTimeUnixNano":"999999000","endTimeUnixNano":"1005000000","attributes":["#
        #expect(found[0].hasPrefix(server), "\(found[0])")
        for attribute in [
            #"{"key":"http.request.method","value":{"stringValue":"POST"}}"#,
            #"{"key":"http.response.status_code","value":{"intValue":"200"}}"#,
            #"{"key":"headgate.request_id","value":{"stringValue":"id-1"}}"#,
            #"{"key":"gen_ai.usage.input_tokens","value":{"intValue":"3"}}"#,
        ] {
            #expect(found[0].contains(attribute), "\(attribute)")
        }
        #expect(!found[0].contains(#""status":{"#) && found.allSatisfy { $0.contains(trace) })
        #expect(found[1].contains(#""parentSpanId":"000000000000000e","name":"POST other","kind":3"#))
        #expect(found[1].contains(#""startTimeUnixNano":"1000010000","endTimeUnixNano":"1000030000""#))
        #expect(found[1].contains(#""status":{"code":2,"message":"answered 503"}"#))
        #expect(found[2].contains(#""startTimeUnixNano":"1000040000","endTimeUnixNano":"1005000000""#))
        #expect(found[2].contains(#"{"key":"server.port","value":{"intValue":"8443"}}"#))
        #expect(found[2].contains(#"{"key":"http.request.resend_count","value":{"intValue":"1"}}"#))
        #expect(!found[2].contains(#""status":{"#))
    }

    @Test(
        arguments: [
            (404, "not_found", .complete, nil, "not_found"),
            (502, "upstream_closed", .complete, "upstream_closed", "x"),
            (500, "", .complete, "500", "500"), (200, "", .truncated, "truncated", "200"),
            (200, "", .clientGone, nil, nil),
        ] as [(UInt16, String, ExchangeRecord.Outcome, String?, String?)])
    func `an error of the server's is told, one of the client's is not`(
        status: UInt16, code: String, outcome: ExchangeRecord.Outcome, server: String?, attempt: String?
    ) {
        var texts = usual
        texts[.errorCode] = code
        let found = spans(texts) { record in
            record.status = status
            record.outcome = outcome
            record.attempts = 1
            record.firstByteTime = 1
        }
        #expect(found[0].contains(#""status":{"code":2,"message":"\#(server ?? "")""#) == (server != nil))
        #expect(found[1].contains(#""status":{"code":2"#) == (attempt != nil), "\(found[1])")
    }

    @Test func `what a client makes up gives no span a name of its own`() {
        let found = spans([.method: "MADE-UP", .path: "/\"\u{1}"]) { $0.status = 404 }
        #expect(found.count == 1 && found[0].contains(#""name":"HTTP","kind":2"#))
        #expect(found[0].contains(#""stringValue":"/\"\u0001""#), "\(found[0])")
    }

    @Test func `the body around them is one JSON object`() throws {
        let all = spans(usual) { $0.attempts = 1 }.map { Array($0.utf8) }
        let body = OTLP.body(all, service: "edge \"1\"", version: "1.2.3")
        _ = try JSONValue.parse(body)
        let text = String(decoding: body, as: UTF8.self)
        let service =
            #"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","#
            + #""value":{"stringValue":"edge \"1\""}}"#
        #expect(text.hasPrefix(service))
        #expect(
            text.contains(
                #""scopeSpans":[{"scope":{"name":"headgate","version":"1.2.3"},"spans":[{"traceId""#))
    }
}
