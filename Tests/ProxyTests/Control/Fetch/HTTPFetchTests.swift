// Covers HTTPFetch.swift, FetchURL.swift, FetchConnection.swift, NameLookup.swift
import Glibc
import Stores
import Testing

@testable import Proxy

/// Of a request that fails, why.
private func problem(_ request: HTTPFetch.Request) -> String? {
    do throws(HTTPFetch.Failure) {
        _ = try HTTPFetch.send(request)
        return nil
    } catch { return error.description }
}

private func body(_ request: HTTPFetch.Request) throws -> String {
    String(decoding: try HTTPFetch.send(request).body, as: UTF8.self)
}

/// With deadlines that a test can wait for.
private func hasty(_ url: String) -> HTTPFetch.Request {
    HTTPFetch.Request(url: url, connectTimeoutMilliseconds: 200, totalTimeoutMilliseconds: 300)
}

@Suite struct `Asking over http` {
    @Test func `the request says what it must`() throws {
        let heard = Locked("")
        let server = try ScriptedServer { connection in
            let text = connection.readHead()
            heard.withLock { $0 = text }
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        }
        let request = HTTPFetch.Request(
            url: "\(server.url)/keys?x=1#part", method: "POST", headerLines: Array("Accept: a/b\r\n".utf8),
            body: Array("{}".utf8))
        #expect(try body(request) == "hi")
        let lines = "User-Agent: headgate\r\nConnection: close\r\nContent-Length: 2\r\nAccept: a/b\r\n\r\n{}"
        #expect(
            heard.withLock { $0 } == "POST /keys?x=1 HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n" + lines)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nX: y\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\nhello",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ])
    func `a body ends as its framing says`(answer: String) throws {
        #expect(try body(.init(url: ScriptedServer(answering: answer).url)) == "hello")
        let inPieces = try ScriptedServer { connection in
            connection.readHead()
            for character in answer.replacing("\r\n", with: "§") {
                connection.send(character == "§" ? "\r\n" : String(character))
            }
        }
        #expect(try body(.init(url: inPieces.url)) == "hello")
    }

    @Test func `it goes to the addresses that are given, whatever the URL names`() throws {
        let server = try ScriptedServer(answering: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        let address = try #require(SocketAddress(numericHost: "127.0.0.1", port: server.port))
        var request = hasty("http://no-such-name.invalid/x")
        request.endpoint = .init(addresses: [address])
        #expect(try body(request) == "hi")
        request.endpoint = .init(addresses: [])
        #expect(problem(request)?.contains("no address") == true)
    }

    @Test func `where the status is all that is wanted, nobody waits for the body`() throws {
        let server = try ScriptedServer { connection in
            connection.readHead()
            connection.send("HTTP/1.1 503 No\r\nContent-Length: 99999999\r\n\r\nbegin")
            connection.waitForEnd()
        }
        var request = HTTPFetch.Request(url: server.url)
        request.stopsAtBody = true
        let response = try HTTPFetch.send(request)
        #expect(response.status == 503 && response.body.isEmpty)
    }

    @Test(arguments: [204, 301, 404, 500]) func `any status is an answer, and none is followed`(status: Int)
        throws
    {
        let server = try ScriptedServer(
            answering: "HTTP/1.1 \(status) X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
        #expect(try HTTPFetch.send(.init(url: server.url)).status == UInt16(status))
    }

    @Test(arguments: [
        ("", nil), ("Retry-After: 3\r\n", 3_000_000_000), ("retry-after-ms: 20\r\n", 20_000_000),
    ])
    func `an answer says when to come again`(field: String, nanoseconds: UInt64?) throws {
        let interim = "HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n"
        let server = try ScriptedServer(
            answering: "\(interim)HTTP/1.1 503 No\r\n\(field)Content-Length: 0\r\n\r\n")
        #expect(try HTTPFetch.send(.init(url: server.url)).retryAfter == nanoseconds)
    }

    @Test func `a name is looked up`() throws {
        let server = try ScriptedServer(answering: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(try HTTPFetch.send(.init(url: "http://localhost:\(server.port)")).status == 200)
        #expect(problem(.init(url: "http://headgate-test.invalid/"))?.contains("resolve") == true)
    }
}

@Suite struct `Servers that misbehave` {
    @Test(arguments: [
        ("garbage\r\n\r\n", "not valid"), ("SSH-2.0-OpenSSH\r\n", "not valid"), ("", "ended before"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "ended before"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", "ended before"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "chunks"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n: x\r\n\r\n", "trailers"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", "not valid"),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", "asked for"),
        (String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 9), "asked for"),
        ("HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 70_000), "not valid"),
    ])
    func `what is no answer is refused`(answer: String, reason: String) throws {
        let server = try ScriptedServer(answering: answer)
        #expect(problem(.init(url: server.url))?.contains(reason) == true)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n" + String(repeating: "x", count: 101),
        "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: 101),
    ])
    func `a body has a bound`(answer: String) throws {
        let server = try ScriptedServer { connection in
            connection.readHead()
            connection.send(answer)
            connection.waitForEnd()
        }
        let found = problem(.init(url: server.url, bodyMax: 100))
        #expect(found?.contains("larger than 100 bytes") == true)
    }

    @Test func `silence has an end`() throws {
        let server = try ScriptedServer { $0.waitForEnd() }
        #expect(problem(hasty(server.url))?.contains("in time") == true)
    }

    @Test func `a slow drip has an end`() throws {
        let server = try ScriptedServer { connection in
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while connection.send("x") { poll(nil, 0, 5) }
        }
        let start = monotonicNow()
        #expect(problem(hasty(server.url))?.contains("in time") == true)
        #expect(monotonicNow() - start < 5_000_000_000)
    }

    @Test func `a port that nobody listens on is told at once`() throws {
        let server = try ScriptedServer { _ in }
        let port = server.port
        server.stop()
        #expect(eventually { problem(.init(url: "http://127.0.0.1:\(port)"))?.contains("refused") == true })
    }

    @Test func `a server that speaks no TLS is told`() throws {
        let server = try ScriptedServer(answering: "HTTP/1.1 400 Bad Request\r\n\r\n")
        let found = problem(.init(url: "https://127.0.0.1:\(server.port)/"))
        #expect(found?.contains("TLS handshake") == true)
    }

    @Test func `a handshake that does not go on has an end`() throws {
        let server = try ScriptedServer { $0.waitForEnd() }
        #expect(problem(hasty("https://127.0.0.1:\(server.port)"))?.contains("too long") == true)
    }
}

@Suite struct `URLs to ask` {
    @Test func `a URL is taken apart`() {
        let url = FetchURL("https://id.example:8443/a/b?c=d#e")
        #expect(url?.isSecure == true)
        #expect(url?.host == "id.example")
        #expect(url?.port == 8443)
        #expect(url?.authority == "id.example:8443")
        #expect(url?.target == "/a/b?c=d")
        #expect(FetchURL("HTTP://h")?.port == 80)
        #expect(FetchURL("https://h?x")?.target == "/?x")
        #expect(FetchURL("https://[::1]/")?.host == "::1")
        #expect(FetchURL("https://[::1]:444/")?.port == 444)
    }

    @Test(arguments: [
        "", "ftp://h/", "h/p", "http://", "http:///p", "http://u:p@h/", "http://h:0/", "http://h:65536/",
        "http://h:/",
        "http://h:+8/", "http://h/a b", "http://h/\r\nX: y", "http://h/é", "http://[::1/", "http://::1]:80:/",
    ])
    func `what is no URL of ours is refused`(text: String) {
        #expect(FetchURL(text) == nil)
        #expect(problem(.init(url: text)) == "the URL is not valid")
    }
}

/// An authority, and a server that it vouches for as `localhost`, with files to give out.
private struct SecureServer {
    let folder = TemporaryFolder()
    let server: Companion
    let port: UInt16

    init() throws {
        let folder = folder
        func openssl(_ arguments: [String]) throws {
            let said = try Companion(["openssl"] + arguments, in: folder.path).read()
            guard !said.lowercased().contains("error") else {
                throw Unexpected("openssl \(arguments): \(said)")
            }
        }
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        for name in ["ca", "other"] {
            let files = ["-keyout", "\(name).key", "-out", "\(name).pem"]
            try openssl(["req", "-x509", "-days", "2", "-subj", "/CN=\(name)"] + files + curve)
        }
        try openssl(["req", "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"] + curve)
        folder.write("names", "subjectAltName=DNS:localhost\n")
        try openssl([
            "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", "names", "-out", "server.pem",
        ])
        folder.write("keys.json", #"{"keys":[]}"#)
        server = try Companion(
            [
                "openssl", "s_server", "-accept", "127.0.0.1:0", "-WWW", "-cert", "server.pem", "-key",
                "server.key",
            ], in: folder.path)
        let said = server.read(until: "ACCEPT 127.0.0.1:")
        let rest = said.hasSuffix("\n") ? "" : server.read(until: "\n")
        let digits = (said + rest).split(separator: "ACCEPT 127.0.0.1:").last?.prefix { $0.isNumber }
        guard let digits, let port = UInt16(digits) else {
            throw Unexpected("openssl s_server says \(said)\(rest)")
        }
        self.port = port
    }

    func request(_ authority: String?, host: String = "localhost") throws -> HTTPFetch.Request {
        let pem = try authority.map { try readFile("\(folder.path)/\($0).pem", limitBytes: 10_000) }
        return HTTPFetch.Request(
            url: "https://\(host):\(port)/keys.json", trust: FetchTrust(authorities: pem))
    }
}

@Test func `https verifies who answers`() throws {
    let server = try SecureServer()
    #expect(try body(server.request("ca")).hasPrefix(#"{"keys":[]}"#))
    #expect(problem(try server.request("other"))?.contains("not trusted") == true)
    #expect(problem(try server.request(nil))?.contains("not trusted") == true)
    #expect(problem(try server.request("ca", host: "127.0.0.1"))?.contains("not trusted") == true)
    let broken = HTTPFetch.Request(
        url: "https://localhost:\(server.port)", trust: FetchTrust(authorities: Array("no PEM".utf8)))
    #expect(problem(broken)?.contains("no certificate") == true)
}
