import Testing

@testable import CLI

/// All requests in `text`, whose bytes come one at a time.
private func requests(_ text: String) throws -> [MockRequest] {
    var reader = MockRequestReader()
    var input: [UInt8] = []
    var found: [MockRequest] = []
    for byte in text.utf8 {
        input.append(byte)
        if case .request(let request) = try reader.read(&input) { found.append(request) }
    }
    return found
}

@Test func `a request is read whole, whatever the pieces it comes in`() throws {
    let found = try requests(
        "POST /v1/x?a=1 HTTP/1.1\r\nHost: h\r\nX-A:  one \r\nContent-Length: 5\r\n\r\n"
            + "helloGET / HTTP/1.1\r\n\r\n"
    )
    try #require(found.count == 2)
    #expect(found[0].method == "POST" && found[0].target == "/v1/x?a=1" && found[0].path == "/v1/x")
    #expect(found[0].body == Array("hello".utf8))
    #expect(found[0].fields[1] == MockField(name: "X-A", value: "one"))
    #expect(found[1].path == "/" && found[1].body.isEmpty)
}

@Test func `a chunked body and its trailers are read`() throws {
    let found = try requests(
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nX-T: end\r\n\r\n"
    )
    try #require(found.count == 1)
    #expect(found[0].body == Array("hello!".utf8) && found[0].bodyByteCount == 6)
    #expect(found[0].trailers == [MockField(name: "X-T", value: "end")])
}

@Test(arguments: [
    ("GET /\r\n\r\n", 400), ("GET / HTTP/2.0\r\n\r\n", 400), ("GET / HTTP/1.1\n\n", 400),
    ("GET / HTTP/1.1\r\nBad Name: x\r\n\r\n", 400), ("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
    ("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n", 400),
    ("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400),
])
func `a request that cannot be read says why`(text: String, status: Int) {
    let error = #expect(throws: MockRequestError.self) { try requests(text) }
    #expect(error?.status == status)
}

@Test func `a head without an end is bounded`() {
    var reader = MockRequestReader()
    var input = Array("GET / HTTP/1.1\r\n".utf8)
    for _ in 0..<MockRequestReader.headBytesMax / 8 { input += Array("X-A: b\r\n".utf8) }
    let error = #expect(throws: MockRequestError.self) { try reader.read(&input) }
    #expect(error?.status == 431)
}

@Test func `timers come in the order of their time`() {
    var timers = MockTimers()
    for time in [5, 3, 9, 1, 7, 1] as [UInt64] { timers.add(.init(atNanoseconds: time, id: time)) }
    #expect(timers.popExpired(at: 0) == nil)
    var order: [UInt64] = []
    while let timer = timers.popExpired(at: 7) { order.append(timer.id) }
    #expect(order == [1, 1, 3, 5, 7])
    #expect(timers.first?.id == 9)
}
