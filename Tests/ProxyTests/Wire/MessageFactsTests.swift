import Testing

@testable import Proxy

@Suite struct MessageFactsTests {
    @Test(arguments: [
        ("0", 0), ("5", 5), ("00000000000000000000000000005", 5), ("5, 5", 5), ("5,5\t ,05", 5),
        ("9223372036854775807", UInt64(Int64.max)),
    ])
    func `a length is digits, once or the same again`(value: String, length: UInt64) {
        #expect(parseRequest(post("Content-Length: \(value)\r\n")).read?.framing == .length(length))
        let twice = post("Content-Length: \(value)\r\ncontent-length: \(value)\r\n")
        #expect(parseRequest(twice).read?.framing == .length(length))
        let response = parseResponse("HTTP/1.1 200 OK\r\nContent-Length: \(value)\r\n\r\n").read
        #expect(response?.framing == .length(length))
    }

    @Test(arguments: [
        "", "+5", "-5", "0x5", "5 5", "5,6", "5,", ",5", "5,,5", "5;", "5.0", "5e1", "five", "\"5\"",
        "5\u{B2}", "0-1", "_5",
        "9223372036854775808", "18446744073709551615", "18446744073709551616",
        "99999999999999999999999", "1 ,2", "1\t1",
    ])
    func `a length that is anything else is refused`(value: String) {
        #expect(parseRequest(post("Content-Length: \(value)\r\n")).error == .lengthInvalid)
        #expect(parseResponse("HTTP/1.1 200 OK\r\nContent-Length: \(value)\r\n\r\n").error == .lengthInvalid)
        let second = post("Content-Length: 5\r\nContent-Length: \(value)\r\n")
        #expect(parseRequest(second).error == .lengthInvalid)
    }

    @Test func `lengths that differ between lines are refused`() {
        #expect(parseRequest(post("Content-Length: 5\r\nContent-Length: 6\r\n")).error == .lengthInvalid)
        #expect(
            parseRequest(post("Content-Length: 5\r\nA: b\r\nCONTENT-LENGTH: 0\r\n")).error == .lengthInvalid)
    }

    @Test(arguments: ["chunked", "Chunked", "CHUNKED"])
    func `chunked is the one coding`(value: String) {
        #expect(parseRequest(post("Transfer-Encoding: \(value)\r\n")).read?.framing == .chunked)
        #expect(parseRequest(post("Transfer-Encoding:\t\(value) \t\r\n")).read?.framing == .chunked)
    }

    @Test(arguments: [
        "", "identity", "gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked", "chunked,",
        ",chunked", "xchunked",
        "chunkedx", "chunked;q=1", "\"chunked\"", "'chunked'", "chunk", "chunked identity",
        "\u{B}chunked", "cow",
    ])
    func `another coding is refused`(value: String) {
        let error = parseRequest(post("Transfer-Encoding: \(value)\r\n")).error
        #expect(error == (value.utf8.contains(0x0B) ? .fieldInvalid : .codingUnsupported))
        #expect(parseResponse("HTTP/1.1 200 OK\r\nTransfer-Encoding: \(value)\r\n\r\n").error == error)
    }

    @Test func `chunked twice is refused`() {
        let text = post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")
        #expect(parseRequest(text).error == .codingUnsupported)
        let mixed = post("Transfer-Encoding: chunked\r\nTransfer-encoding: identity\r\n")
        #expect(parseRequest(mixed).error == .codingUnsupported)
    }

    @Test(
        arguments: [
            ("close", [.close], false), ("keep-alive", [.keepAlive], true),
            ("Keep-Alive", [.keepAlive], true),
            ("CLOSE, keep-alive", [.close, .keepAlive], false),
            ("upgrade,close", [.upgrade, .close], false), ("", [], true),
            ("closed", [], true), ("x", [], true), (",, close ,", [.close], false),
        ] as [(String, ConnectionOptions, Bool)])
    func `Connection is read token by token`(value: String, options: ConnectionOptions, keepsAlive: Bool) {
        let head = parseRequest(get("/", "Connection: \(value)\r\n")).read
        #expect(head?.connection == options)
        #expect(head?.keepsAlive == keepsAlive)
        let old = parseRequest("GET / HTTP/1.0\r\nConnection: \(value)\r\n\r\n").read
        #expect(old?.keepsAlive == (options == [.keepAlive]))
    }
}
