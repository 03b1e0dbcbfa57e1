import Testing

@testable import Proxy

@Suite struct BodyFramingTests {
    @Test func `a request without a length has no body, whatever its method`() {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let head = parseRequest("\(method) / HTTP/1.1\r\nHost: a\r\n\r\n").read
            #expect(head?.framing == BodyFraming.none)
        }
    }

    @Test(arguments: [
        (200, "", BodyFraming.untilClose), (200, "Content-Length: 3\r\n", .length(3)),
        (200, "Transfer-Encoding: chunked\r\n", .chunked), (500, "", .untilClose),
        (205, "", .untilClose),
        (100, "", .none), (101, "Upgrade: x\r\n", .none), (103, "Content-Length: 3\r\n", .none),
        (204, "Content-Length: 3\r\n", .none), (304, "Content-Length: 3\r\n", .none),
        (304, "Transfer-Encoding: chunked\r\n", .none), (204, "", .none),
    ])
    func `a response's body ends by status, coding, length, close`(
        status: Int, lines: String, framing: BodyFraming
    ) {
        let text = "HTTP/1.1 \(status) x\r\n\(lines)\r\n"
        #expect(parseResponse(text).read?.framing == framing)
        #expect(parseResponse(text, toHead: true).read?.framing == BodyFraming.none)
        let declared: UInt64? = lines.hasPrefix("Content-Length") ? 3 : nil
        #expect(parseResponse(text).read?.declaredLength == declared)
        #expect(parseResponse(text, toHead: true).read?.declaredLength == declared)
    }

    @Test(arguments: [200, 204, 304, 100])
    func `two framings conflict even where no body follows`(status: Int) {
        let both = "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"
        for version in ["1.0", "1.1"] {
            let text = "HTTP/\(version) \(status) x\r\n\(both)\r\n"
            #expect(parseResponse(text).error == .framingConflict)
            #expect(parseResponse(text, toHead: true).error == .framingConflict)
        }
        let old = "HTTP/1.0 \(status) x\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(parseResponse(old).error == .framingConflict)
    }
}
