// Covers AdminConnection.swift
import Testing

@testable import Proxy

private func head(_ text: String) -> AdminRequest? { AdminRequest(head: Array(text.utf8)[...]) }

@Test func `a head says what is asked for`() throws {
    let request = try #require(
        head(
            "POST /plan.txt?folder=%2Fetc%2Fh&a=b%20c&flag HTTP/1.1\r\nHost: x\r\nCONTENT-length:3\r\n"
                + "authorization:  Bearer abc"))
    #expect(request.method == "POST")
    #expect(request.path == "/plan")
    #expect(request.wantsText)
    #expect(request.query == ["folder": "/etc/h", "a": "b c", "flag": ""])
    #expect(request.contentLength == 3)
    #expect(request.authorization == "Bearer abc")
    #expect(head("GET / HTTP/1.1")?.wantsText == false)
    #expect(head("GET /a?b=%zz&c=%4 HTTP/1.1")?.query == ["b": "%zz", "c": "%4"])
}

@Test(arguments: [
    "GET", "GET status HTTP/1.1", "GET / HTTP/2", "", "GET / HTTP/1.1\r\nContent-Length: x",
    "GET / HTTP/1.1\r\nContent-Length: -1", "GET / HTTP/1.1\r\nContent-Length:",
    "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999", "GET / HTTP/1.1\r\nno field",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked",
])
func `what is no request is refused`(text: String) {
    #expect(head(text) == nil)
}

private func connection() -> AdminConnection {
    AdminConnection(descriptor: -1, isRemote: false, idleAt: 0)
}

private var route: AdminRoutes.Route {
    AdminRoutes.Route(
        method: "POST", path: "/plan", summary: "", access: .token, bodyMax: 100, handler: { _, _ in })
}

@Test func `a request is read once it is whole, however it comes`() {
    let bytes = Array("POST /plan HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello".utf8)
    for cut in 1..<bytes.count {
        var connection = connection()
        var complete: AdminRequest?
        for piece in [bytes[..<cut], bytes[cut...]] {
            var step = connection.received(piece)
            if case .head(let request) = step { step = connection.expectBody(of: request, for: route) }
            if case .complete(let request) = step { complete = request }
        }
        #expect(complete?.body == Array("hello".utf8), "cut at \(cut)")
    }
}

@Test func `an endless head is refused`() {
    var connection = connection()
    let bytes = [UInt8](repeating: 0x78, count: AdminRequest.headMax)
    #expect(connection.received(bytes[..<1000]) == .incomplete)
    #expect(connection.received(bytes[1000...]) == .invalid)
}

@Test func `what a socket does not take is sent later`() {
    var connection = connection()
    connection.answer(.text(200, "hello"))
    let whole = AdminResponse.text(200, "hello").bytes
    connection.noteSent(10)
    #expect(connection.hasOutput)
    #expect(connection.unsent == whole[10...])
    connection.noteSent(whole.count - 10)
    #expect(!connection.hasOutput)
}
