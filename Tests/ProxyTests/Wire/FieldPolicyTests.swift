import Testing

@testable import Proxy

@Suite struct FieldPolicyTests {
    private func forwarded(_ lines: String) -> [String]? {
        parseRequest(get("/", lines)).read?.lines.filter { !$0.isHopByHop }.map(\.name)
    }

    @Test func `the fixed set is hop-by-hop`() {
        let lines =
            "Connection: close\r\nKeep-Alive: 5\r\nProxy-Connection: close\r\nTE: trailers\r\nUpgrade: x\r\n"
            + "HTTP2-Settings: AAA\r\nProxy-Authenticate: x\r\nProxy-Authorization: y\r\n"
            + "Transfer-Encoding: chunked\r\nOther: z\r\n"
        #expect(forwarded(lines) == ["Host", "Other"])
    }

    @Test func `nominated fields are hop-by-hop in any case and from any line`() {
        let lines =
            "X-A: 1\r\nConnection: close, x-a ,,\t\r\nx-b: 2\r\nconnection: X-B\r\n"
            + "X-C: 3\r\nX-A: 4\r\nX-AB: 5\r\n"
        #expect(forwarded(lines) == ["Host", "X-C", "X-AB"])
        let response = parseResponse("HTTP/1.1 200 OK\r\nConnection: x-a\r\nX-A: 1\r\nX-B: 2\r\n\r\n").read
        #expect(response?.lines.map(\.isHopByHop) == [true, true, false])
    }

    @Test func `Connection cannot remove routing, framing and where a request came from`() {
        let lines =
            "Connection: host, content-length, forwarded, x-forwarded-for, X-Forwarded-Port,"
            + " x-forwarded-proto, x-forwarded-host, cookie\r\n"
            + "Content-Length: 1\r\nForwarded: for=a\r\nX-Forwarded-For: b\r\n"
            + "X-Forwarded-Port: 1\r\nX-Forwarded-Proto: c\r\nX-Forwarded-Host: d\r\nCookie: e\r\n"
        #expect(
            forwarded(lines) == [
                "Host", "Content-Length", "Forwarded", "X-Forwarded-For", "X-Forwarded-Port",
                "X-Forwarded-Proto", "X-Forwarded-Host",
            ])
    }

    @Test func `nominations are bounded`() {
        let most = Array(repeating: "a", count: FieldPolicy.nominationsMax).joined(separator: ",")
        #expect(parseRequest(get("/", "Connection: \(most)\r\n")).read != nil)
        #expect(parseRequest(get("/", "Connection: \(most),a\r\n")).error == .fieldInvalid)
        #expect(parseRequest(get("/", "Connection: \(most)\r\nConnection: a\r\n")).error == .fieldInvalid)
    }

    @Test func `Trailer is forwarded with a chunked body alone`() {
        #expect(forwarded("Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n") == ["Host", "Trailer"])
        #expect(forwarded("Trailer: X-Sum\r\nContent-Length: 1\r\n") == ["Host", "Content-Length"])
        #expect(forwarded("Trailer: X-Sum\r\n") == ["Host"])
    }
}
