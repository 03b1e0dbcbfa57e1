import Testing

@testable import Proxy

private func texts(path: String = "/v1/x", code: String = "", endpoint: String = "http://e:80") -> [[UInt8]] {
    RecordText.allCases.map { text in
        switch text {
        case .errorCode: Array(code.utf8)
        case .requestID: Array("id-1".utf8)
        case .method: Array("GET".utf8)
        case .path: Array(path.utf8)
        case .host: Array("h".utf8)
        case .listener: Array("public".utf8)
        case .route: Array("routes[0]".utf8)
        case .endpoint: Array(endpoint.utf8)
        case .auth: Array("apps".utf8)
        case .caller: Array("web app".utf8)
        case .model: Array("gpt-5".utf8)
        case .upstream: endpoint.isEmpty ? [] : Array("up".utf8)
        case .key: endpoint.isEmpty ? [] : Array("environment ***abcd".utf8)
        case .limit: Array("per-key".utf8)
        case .limitNumber: Array("usd_per_day".utf8)
        case .earlierPlaces: Array("up\0http://d:80\0other\0\0".utf8)
        }
    }
}

private var record: ExchangeRecord {
    var record = ExchangeRecord()
    record.startedAt = 1_250_000_000
    record.headTime = 1_000
    record.connectTime = 2_500_000
    record.firstByteTime = 12_345_678
    record.totalTime = 1_000_000_000
    record.requestBodyBytes = 5
    record.responseBodyBytes = 6
    record.generation = 3
    record.status = 200
    record.attempts = 1
    record.reusedUpstream = true
    record.peer = PeerAddress(high: 0, low: 0xFFFF_7F00_0001, port: 9, isUnix: false)
    return record
}

private func line(_ record: ExchangeRecord, _ texts: [[UInt8]], _ format: RecordFormat<[UInt8]>) -> String {
    var (json, bytes) = (JSONText(), [UInt8]())
    format.append(record, texts, to: &json, text: &bytes)
    return String(decoding: bytes, as: UTF8.self)
}

@Test func `a record is one line of JSON`() {
    let expected = """
        {"ts":"1970-01-01T00:00:01.250Z","request_id":"id-1","client":"127.0.0.1","listener":"public",\
        "route":"routes[0]","auth":"apps","caller":"web app","method":"GET","path":"/v1/x","host":"h","status":200,"code":null,"fault":"none",\
        "outcome":"complete","generation":3,"model":"gpt-5","limit":null,"upstream":"http://e:80","upstream_name":"up",\
        "key":"environment ***abcd","attempts":1,"repeated":[],"reused":true,"bytes_in":5,"bytes_out":6,"tokens":null,\
        "ms":{"head":0.001,"ask":0.000,"queue":0.000,"connect":2.500,"first_byte":12.345,"total":1000.000}}

        """
    #expect(line(record, texts(), RecordFormat(format: .json)) == expected)
}

@Test func `limit, tokens and what was repeated are told where there is something to tell`() {
    var told = record
    told.limit = RecordedLimit(verdict: .refused, unit: .money, max: 10_000_000_000, used: 9_500_000_000)
    told.isMetered = true
    told.inputTokens = 12
    told.outputTokens = 34
    told.queueTime = 3_000_000
    told.attempts = 3
    told.attempt[0].cause = .status
    told.attempt[0].status = 503
    told.attempt[0].took = 1_500
    told.attempt[1].cause = .keyMissing
    let json = line(told, texts(), RecordFormat(format: .json))
    let limit =
        #""limit":{"name":"per-key","number":"usd_per_day","used":9.5,"max":10,"verdict":"refused"}"#
    #expect(json.contains(limit), "\(json)")
    #expect(json.contains(#""tokens":{"input":12,"output":34}"#))
    let repeated = """
        "attempts":3,"repeated":[{"upstream_name":"up","upstream":"http://d:80","because":"status","status":503,"ms":1.500},\
        {"upstream_name":"other","upstream":null,"because":"key_missing","status":null,"ms":0.000}]
        """
    #expect(json.contains(repeated), "\(json)")
    #expect(json.contains(#""queue":3.000"#))
}

@Test func `what is to be left out is a dash, and what took long is marked`() {
    let format = RecordFormat<[UInt8]>(
        format: .json, slowFrom: 1_000_000_000, redacted: [.path, .client, .caller, .host])
    let json = line(record, texts(), format)
    for member in [
        #""client":"-""#, #""caller":"-""#, #""path":"-""#, #""host":"-""#,
        #""outcome":"complete","slow":true"#,
    ] {
        #expect(json.contains(member), "\(member) in \(json)")
    }
    #expect(!json.contains("127.0.0.1") && !json.contains("web app") && !json.contains("/v1/x"))
    var text = format
    text.format = .text
    let plain = line(record, texts(), text)
    #expect(plain.contains(" - \"GET -\" 200 ") && plain.contains(" caller=- outcome=complete"), "\(plain)")
    #expect(plain.hasSuffix(" fault=none slow model=\"gpt-5\"\n"))
    let quick = line(record, texts(), RecordFormat(format: .json, slowFrom: 1_000_000_001))
    #expect(quick.contains(#""outcome":"complete","slow":false"#))
}

@Test func `what there is not is null`() {
    var unanswered = record
    unanswered.status = 0
    unanswered.outcome = .clientGone
    unanswered.fault = .client
    let text = line(unanswered, texts(code: "x", endpoint: ""), RecordFormat(format: .json))
    #expect(text.contains(#""status":null,"code":"x","fault":"client","outcome":"client_gone""#))
    #expect(text.contains(#""upstream":null,"upstream_name":null,"key":null"#))
}

@Test func `a record is one line of text`() {
    let expected =
        "1970-01-01T00:00:01.250Z 127.0.0.1 \"GET /v1/x\" 200 1000.000ms in=5 out=6 gen=3 public"
        + " routes[0] http://e:80 id=id-1 auth=apps caller=\"web app\" outcome=complete fault=none"
        + " model=\"gpt-5\"\n"
    #expect(line(record, texts(), RecordFormat(format: .text)) == expected)
}

@Test func `nothing that a client sends ends a line or a quote`() {
    let hostile = "/a\"b\\c\nd\u{1}\u{7F}é"
    let text = line(record, texts(path: hostile), RecordFormat(format: .text))
    #expect(text.contains(#""GET /a\x22b\x5cc\x0ad\x01\x7f\xc3\xa9""#))
    let json = line(record, texts(path: hostile), RecordFormat(format: .json))
    #expect(json.contains(#""path":"/a\"b\\c\nd\u0001\u007fé""#))
    #expect(json.split(separator: "\n").count == 1)
}

@Test func `bytes that are not UTF-8 are still valid JSON`() {
    var bytes = texts()
    bytes[RecordText.path.rawValue] = [0x2F, 0xFF, 0x22]
    #expect(line(record, bytes, RecordFormat(format: .json)).contains(#""path":"/\#u{FFFD}\"""#))
}

@Test func `JSON text puts commas between, and nowhere else`() {
    var json = JSONText()
    json.object { json in
        json.array("a") { json in
            json.number(nil, 1)
            json.string(nil, "x")
            json.object { _ in }
        }
        json.object("b") { $0.boolean("c", false) }
        json.null("d")
        json.raw("e", "[]")
        json.milliseconds("f", nanoseconds: 999)
    }
    #expect(json.text == #"{"a":[1,"x",{}],"b":{"c":false},"d":null,"e":[],"f":0.000}"#)
}
