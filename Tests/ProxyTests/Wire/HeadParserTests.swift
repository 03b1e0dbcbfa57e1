import Testing

@testable import Proxy

@Suite struct HeadParserTests {
    static let request =
        "POST /v1/chat/completions?stream=1 HTTP/1.1\r\nHost: api.example.com:8080\r\nAccept: */*\r\n"
        + "Connection: keep-alive, X-Stainless-Lang\r\nX-Stainless-Lang: python\r\n"
        + "User_Agent+1:\t a \tb \t\r\n"
        + "Content-Length: 12\r\nEmpty:\r\n\r\n"
    static let response =
        "HTTP/1.1 200 OK fine\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
        + "Transfer-Encoding: chunked\r\nConnection: close\r\nTrailer: X-Sum\r\n\r\n"

    // MARK: Requests

    @Test func `a request head is read into its parts`() {
        let head = parseRequest(Self.request + "body").read
        #expect(head?.method == .post)
        #expect(head?.methodText == "POST")
        #expect(head?.path == "/v1/chat/completions")
        #expect(head?.query == "?stream=1")
        #expect(head?.authority == "api.example.com:8080")
        #expect(head?.host == "api.example.com")
        #expect(head?.version == .http11)
        #expect(head?.framing == .length(12))
        #expect(head?.connection == [.keepAlive])
        #expect(head?.keepsAlive == true)
        #expect(head?.byteCount == Self.request.utf8.count)
        #expect(
            head?.lines == [
                ReadLine(name: "Host", value: "api.example.com:8080", known: .host),
                ReadLine(name: "Accept", value: "*/*", known: .accept),
                ReadLine(
                    name: "Connection", value: "keep-alive, X-Stainless-Lang", known: .connection,
                    isHopByHop: true),
                ReadLine(name: "X-Stainless-Lang", value: "python", isHopByHop: true),
                ReadLine(name: "User_Agent+1", value: "a \tb"),
                ReadLine(name: "Content-Length", value: "12", known: .contentLength),
                ReadLine(name: "Empty", value: ""),
            ])
    }

    @Test func `every prefix of a head is incomplete`() {
        let request = Array(Self.request.utf8)
        for count in 0..<request.count {
            #expect(parseRequest(Array(request[..<count])) == .incomplete, "\(count) octets")
        }
        let response = Array(Self.response.utf8)
        for count in 0..<response.count {
            #expect(parseResponse(Array(response[..<count])) == .incomplete, "\(count) octets")
        }
    }

    @Test func `a wrong head gives one error, however much of it is there`() {
        for (text, error) in Self.refusedRequests {
            let bytes = Array(text.utf8)
            var first: HeadError?
            for count in 0...bytes.count where first == nil {
                switch parseRequest(Array(bytes[..<count])) {
                case .incomplete: continue
                case .refused(let found): first = found
                case .complete: Issue.record("a prefix of \(text.debugDescription) was accepted")
                }
            }
            #expect(first == error, "octet by octet: \(text.debugDescription)")
            #expect(parseRequest(text) == .refused(error), "whole: \(text.debugDescription)")
            let surplus = bytes + Array(repeating: UInt8(ascii: "x"), count: 40)
            #expect(parseRequest(surplus) == .refused(error), "with surplus: \(text.debugDescription)")
        }
    }

    @Test func `the table of refused requests has every error but the size`() {
        let listed = Set(Self.refusedRequests.map(\.1))
        #expect(listed.union([.headTooLarge, .tooManyFields]) == Set(HeadError.allCases))
    }

    static let refusedRequests: [(String, HeadError)] = [
        // The request line.
        ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .startLineInvalid),
        ("\n\(get("/"))", .startLineInvalid),
        ("\r\(get("/"))", .startLineInvalid),
        (" \(get("/"))", .startLineInvalid),
        (":\(get("/"))", .startLineInvalid),
        ("G@T / HTTP/1.1\r\nHost: a\r\n\r\n", .startLineInvalid),
        ("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", .startLineInvalid),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .startLineInvalid),
        ("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", .startLineInvalid),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .startLineInvalid),
        ("GET /\r\nHost: a\r\n\r\n", .startLineInvalid),
        ("GET / \r\nHost: a\r\n\r\n", .startLineInvalid),
        ("GET\r\nHost: a\r\n\r\n", .startLineInvalid),
        ("GET / HTTP/1.1\nHost: a\n\n", .startLineInvalid),
        ("GET / HTTP/1.1\rHost: a\r\n\r\n", .startLineInvalid),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", .startLineInvalid),
        ("GET / HTTP/1\r\nHost: a\r\n\r\n", .startLineInvalid),
        ("GET / HTTP/1.10\r\nHost: a\r\n\r\n", .startLineInvalid),
        ("GET / HTTP/11.1\r\nHost: a\r\n\r\n", .startLineInvalid),
        ("GET / HTTP/+1.1\r\nHost: a\r\n\r\n", .startLineInvalid),
        ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", .startLineInvalid),
        ("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", .startLineInvalid),
        ("\u{16}\u{3}\u{1}\u{2}\0", .startLineInvalid),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .targetInvalid),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", .versionUnsupported),
        ("GET / HTTP/0.9\r\n\r\n", .versionUnsupported),
        ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", .connectRefused),
        // Targets; more in TargetParserTests.
        ("GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n", .targetInvalid),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", .targetInvalid),
        // Field lines.
        (get("/", "A : b\r\n"), .fieldInvalid),
        (get("/", " A: b\r\n"), .fieldInvalid),
        (get("/", "A: b\r\n c\r\n"), .fieldInvalid),
        (get("/", "A: b\r\n\tc\r\n"), .fieldInvalid),
        (get("/", ": b\r\n"), .fieldInvalid),
        (get("/", "A\r\n"), .fieldInvalid),
        (get("/", "A: b\n"), .fieldInvalid),
        (get("/", "A: b\rc\r\n"), .fieldInvalid),
        (get("/", "A: b\r\r\n"), .fieldInvalid),
        (get("/", "A: b\0c\r\n"), .fieldInvalid),
        (get("/", "A: b\u{7F}\r\n"), .fieldInvalid),
        (get("/", "A: \u{1B}[1m\r\n"), .fieldInvalid),
        (get("/", "A\0: b\r\n"), .fieldInvalid),
        (get("/", "A(: b\r\n"), .fieldInvalid),
        (get("/", "Ä: b\r\n"), .fieldInvalid),
        (get("/", "\rA: b\r\n"), .fieldInvalid),
        (get("/", "\nA: b\r\n"), .fieldInvalid),
        ("GET / HTTP/1.1\r\nHost: a\r\n\n", .fieldInvalid),
        // Host.
        ("GET / HTTP/1.1\r\n\r\n", .hostInvalid),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", .hostInvalid),
        ("GET http://a/ HTTP/1.1\r\n\r\n", .hostInvalid),
        ("GET http://a/ HTTP/1.1\r\nHost: b@c\r\n\r\n", .hostInvalid),
        ("GET / HTTP/1.0\r\nHost: a b\r\n\r\n", .hostInvalid),
        (get("/", "Host: a\r\n"), .hostInvalid),
        (get("/", "host: b\r\n"), .hostInvalid),
        (get("http://a/", "Host: a\r\n"), .hostInvalid),
        // Length and coding; more in MessageFactsTests.
        (post("Content-Length: +5\r\n"), .lengthInvalid),
        (post("Transfer-Encoding: gzip\r\n"), .codingUnsupported),
        (post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), .framingConflict),
        (post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), .framingConflict),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .framingConflict),
        // Expectations.
        (post("Expect: 100-continued\r\n"), .expectationUnknown),
        (post("Expect:\r\n"), .expectationUnknown),
        (post("Expect: 100-continue\r\nExpect: more\r\n"), .expectationUnknown),
        (post("Expect: 100-continue, more\r\n"), .expectationUnknown),
    ]

    @Test func `one empty line before the request is counted and skipped`() {
        let head = parseRequest("\r\n" + Self.request).read
        #expect(head?.path == "/v1/chat/completions")
        #expect(head?.byteCount == Self.request.utf8.count + 2)
        #expect(parseRequest("\r") == .incomplete)
        #expect(parseRequest("\r\n") == .incomplete)
    }

    @Test(arguments: [
        ("GET", Method.get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("DELETE", .delete),
        ("OPTIONS", .options), ("TRACE", .trace), ("PATCH", .patch), ("PROPFIND", .other),
        ("get", .other),
        ("GETS", .other), ("M-SEARCH", .other), ("X!#$%&'*+-.^_`|~9", .other), ("G", .other),
    ])
    func `methods are told apart by case and keep their octets`(name: String, method: Proxy.Method) {
        let head = parseRequest("\(name) / HTTP/1.1\r\nHost: a\r\n\r\n").read
        #expect(head?.method == method)
        #expect(head?.methodText == name)
    }

    @Test(arguments: [("1.0", HTTPVersion.http10), ("1.1", .http11), ("1.2", .http11), ("1.9", .http11)])
    func `a higher minor version is read as 1.1`(text: String, version: HTTPVersion) {
        #expect(parseRequest("GET / HTTP/\(text)\r\nHost: a\r\n\r\n").read?.version == version)
        #expect(parseResponse("HTTP/\(text) 200 OK\r\n\r\n").read?.version == version)
    }

    @Test func `the authority of the absolute form wins over Host`() {
        let head = parseRequest("GET http://a:1/x HTTP/1.1\r\nHost: b\r\n\r\n").read
        #expect(head?.authority == "a:1")
        #expect(head?.host == "a")
        #expect(parseRequest("GET http://a HTTP/1.1\r\nHost:\r\n\r\n").read?.authority == "a")
    }

    @Test func `HTTP 1.0 may do without Host`() {
        let head = parseRequest("GET / HTTP/1.0\r\n\r\n").read
        #expect(head?.authority == "")
        #expect(head?.keepsAlive == false)
        #expect(parseRequest("GET / HTTP/1.0\r\nHost: \r\n\r\n").read?.host == "")
    }

    @Test func `Expect counts for HTTP 1.1 alone`() {
        #expect(parseRequest(post("Expect: 100-Continue\r\n")).read?.expectsContinue == true)
        #expect(
            parseRequest("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").read?.expectsContinue == false)
        #expect(parseRequest("POST / HTTP/1.0\r\nExpect: magic\r\n\r\n").read?.expectsContinue == false)
        #expect(parseRequest(post("")).read?.expectsContinue == false)
    }

    @Test(arguments: [
        ("Upgrade: websocket\r\nConnection: upgrade\r\n", true),
        ("Upgrade: h2c, WebSocket\r\nConnection: keep-alive, Upgrade\r\n", true),
        ("Upgrade: websocket\r\n", false),
        ("Connection: upgrade\r\n", false),
        ("Upgrade: h2c\r\nConnection: upgrade\r\n", false),
        ("Upgrade: websockets\r\nConnection: upgrade\r\n", false),
    ])
    func `a WebSocket is asked for by Upgrade and Connection together`(lines: String, asks: Bool) {
        #expect(parseRequest(get("/", lines)).read?.asksForWebSocket == asks)
        let old = "GET / HTTP/1.0\r\nHost: a\r\n\(lines)\r\n"
        #expect(parseRequest(old).read?.asksForWebSocket == false)
    }

    // MARK: Limits

    @Test func `a head of exactly the limit passes and one octet more is too large`() {
        let bytes = Array(Self.request.utf8)
        let exact = HeadLimits(maxBytes: bytes.count, maxFields: 100)
        let tight = HeadLimits(maxBytes: bytes.count - 1, maxFields: 100)
        #expect(parseRequest(bytes, limits: exact).read != nil)
        #expect(parseRequest(bytes + [0x78], limits: exact).read != nil)
        #expect(parseRequest(bytes, limits: tight) == .refused(.headTooLarge))
        #expect(parseRequest(Array(bytes.dropLast()), limits: tight) == .refused(.headTooLarge))
        #expect(parseRequest(Array(bytes.dropLast(2)), limits: tight) == .incomplete)
        let response = Array(Self.response.utf8)
        let tightResponse = HeadLimits(maxBytes: response.count - 1, maxFields: 100)
        #expect(parseResponse(response, limits: tightResponse) == .refused(.headTooLarge))
        #expect(
            parseTrailers("A: b\r\n\r\n", limits: HeadLimits(maxBytes: 7, maxFields: 9)).error
                == .headTooLarge)
    }

    @Test func `field lines are counted up to the limit and up to the table`() {
        let lines = String(repeating: "A: b\r\n", count: 9)
        let text = get("/", lines)
        #expect(parseRequest(text, limits: HeadLimits(maxBytes: 999, maxFields: 10)).read?.lines.count == 10)
        #expect(parseRequest(text, limits: HeadLimits(maxBytes: 999, maxFields: 9)).error == .tooManyFields)
        let full = get("/", String(repeating: "A: b\r\n", count: FieldTable.capacity))
        #expect(
            parseRequest(full, limits: HeadLimits(maxBytes: 9999, maxFields: 9999)).error == .tooManyFields)
        let reply = "HTTP/1.1 200 OK\r\n\(lines)\r\n"
        #expect(parseResponse(reply, limits: HeadLimits(maxBytes: 999, maxFields: 8)).error == .tooManyFields)
        #expect(
            parseTrailers("\(lines)\r\n", limits: HeadLimits(maxBytes: 999, maxFields: 8)).error
                == .tooManyFields)
    }

    // MARK: Responses

    @Test func `a response head is read into its parts`() {
        let head = parseResponse(Self.response + "5\r\n").read
        #expect(head?.status == 200)
        #expect(head?.reason == "OK fine")
        #expect(head?.framing == .chunked)
        #expect(head?.isEventStream == true)
        #expect(head?.keepsAlive == false)
        #expect(head?.byteCount == Self.response.utf8.count)
        #expect(head?.lines.map(\.isHopByHop) == [false, true, true, false])
    }

    @Test(arguments: [
        ("HTTP/1.1 200\r\n\r\n", 200, ""), ("HTTP/1.1 200 \r\n\r\n", 200, ""),
        ("HTTP/1.0 599 \t x\r\n\r\n", 599, "\t x"), ("HTTP/1.1 100 Continue\r\n\r\n", 100, "Continue"),
        ("HTTP/1.1 404 N\u{F6}\r\n\r\n", 404, "N\u{F6}"),
    ])
    func `a status line may have no reason`(text: String, status: UInt16, reason: String) {
        let head = parseResponse(text).read
        #expect(head?.status == status)
        #expect(head?.reason == reason)
    }

    @Test func `a wrong response gives one error, however much of it is there`() {
        for (text, error) in Self.refusedResponses {
            let bytes = Array(text.utf8)
            let outcomes = (0...bytes.count).map { parseResponse(Array(bytes[..<$0])) }
            #expect(outcomes.first { $0 != .incomplete } == .refused(error), "\(text.debugDescription)")
            #expect(outcomes.last == .refused(error), "\(text.debugDescription)")
        }
    }

    static let refusedResponses: [(String, HeadError)] = [
        ("\r\nHTTP/1.1 200 OK\r\n\r\n", .startLineInvalid),
        ("HTTP/1.1  200 OK\r\n\r\n", .startLineInvalid),
        ("HTTP/1.1\t200 OK\r\n\r\n", .startLineInvalid),
        ("HTTP/1.1 20 OK\r\n\r\n", .startLineInvalid),
        ("HTTP/1.1 2000 OK\r\n\r\n", .startLineInvalid),
        ("HTTP/1.1 099 OK\r\n\r\n", .startLineInvalid),
        ("HTTP/1.1 600 OK\r\n\r\n", .startLineInvalid),
        ("HTTP/1.1 +20 OK\r\n\r\n", .startLineInvalid),
        ("HTTP/1.1 200\tOK\r\n\r\n", .startLineInvalid),
        ("HTTP/1.1 200 O\0K\r\n\r\n", .startLineInvalid),
        ("HTTP/1.1 200 OK\n\n", .startLineInvalid),
        ("HTTP/1.1 200 OK\r\r\n\r\n", .startLineInvalid),
        ("HTTP/1.1\r\n\r\n", .startLineInvalid),
        ("ICY 200 OK\r\n\r\n", .startLineInvalid),
        ("HTTP/2.0 200 OK\r\n\r\n", .versionUnsupported),
        ("HTTP/2 200\r\n\r\n", .startLineInvalid),
        ("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", .fieldInvalid),
        ("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", .fieldInvalid),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", .lengthInvalid),
        ("HTTP/1.1 304 OK\r\nContent-Length: x\r\n\r\n", .lengthInvalid),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n", .codingUnsupported),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n", .framingConflict),
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .framingConflict),
    ]

    @Test(arguments: [
        ("text/event-stream", true), ("Text/Event-Stream;charset=utf-8", true),
        ("text/event-stream ; a", true),
        ("text/event-streams", false), ("text/event", false), ("application/json", false), ("", false),
    ])
    func `an event stream is known by its media type`(type: String, isEventStream: Bool) {
        let head = parseResponse("HTTP/1.1 200 OK\r\nContent-Type: \(type)\r\n\r\n").read
        #expect(head?.isEventStream == isEventStream)
    }

    // MARK: Trailers

    @Test func `trailer lines that have no place there are flagged`() {
        let text =
            "X-Checksum: 1\r\nContent-Length: 5\r\nContent-MD5: x\r\nAuthorization: y\r\nIf-Match: z\r\n"
            + "Cache-Control: a\r\nX-Forwarded-Port: b\r\nGrpc-Status: 0\r\nHost: h\r\n"
            + "Set-Cookie: c\r\nSec-WebSocket-Protocol: openai-insecure-api-key.d\r\n\r\nrest"
        let section = parseTrailers(text).read
        #expect(section?.byteCount == text.utf8.count - 4)
        #expect(section?.lines.filter { !$0.isHopByHop }.map(\.name) == ["X-Checksum", "Grpc-Status"])
        #expect(section?.lines.count == 11)
    }

    @Test func `an empty trailer section is its empty line`() {
        #expect(parseTrailers("\r\nGET") == .complete(ReadTrailers(byteCount: 2, lines: [])))
        #expect(parseTrailers("") == .incomplete)
        #expect(parseTrailers("\r") == .incomplete)
        #expect(parseTrailers("A: b\r\n") == .incomplete)
        #expect(parseTrailers("\n").error == .fieldInvalid)
        #expect(parseTrailers("A: b\r\n c\r\n\r\n").error == .fieldInvalid)
    }
}
