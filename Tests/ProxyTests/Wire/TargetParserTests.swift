import Testing

@testable import Proxy

@Suite struct TargetParserTests {
    @Test(arguments: [
        ("/", "/", ""), ("/a?b", "/a", "?b"), ("/?", "/", "?"), ("//a//b", "//a//b", ""),
        ("/a%2Fb", "/a%2Fb", ""), ("/%2e%2ea", "/%2e%2ea", ""), ("/...", "/...", ""),
        ("/.a", "/.a", ""),
        ("/a..", "/a..", ""), ("/a./b", "/a./b", ""), ("/..a/x", "/..a/x", ""),
        ("/a.b/.c", "/a.b/.c", ""),
        ("/%252e%252e/", "/%252e%252e/", ""), ("/a?/../b", "/a", "?/../b"),
        ("/a?x=%zz&\\", "/a", "?x=%zz&\\"),
        ("/a?b?c", "/a", "?b?c"), ("/a?\u{E9}", "/a", "?\u{E9}"), ("/a:b@c;d=e,f", "/a:b@c;d=e,f", ""),
        ("/a|b\"{}<>^`[]", "/a|b\"{}<>^`[]", ""),
        ("/models/org%2Fname%3A1.5", "/models/org%2Fname%3A1.5", ""),
    ])
    func `the origin form passes octet by octet`(target: String, path: String, query: String) {
        let head = parseRequest(get(target)).read
        #expect(head?.path == path)
        #expect(head?.query == query)
        #expect(head?.pathIsImplied == false)
        #expect(head?.pathHasEscapes == path.contains("%"))
    }

    @Test(arguments: [
        ("http://h", "h", "", "", true), ("http://h/", "h", "/", "", false),
        ("HTTP://h:80/a?b", "h:80", "/a", "?b", false),
        ("https://h?q", "h", "", "?q", true), ("hTTps://[::1]:8443/x", "[::1]:8443", "/x", "", false),
    ])
    func `the absolute form names the authority`(
        target: String, authority: String, path: String, query: String, isImplied: Bool
    ) {
        let head = parseRequest(get(target)).read
        #expect(head?.authority == authority)
        #expect(head?.path == path)
        #expect(head?.query == query)
        #expect(head?.pathIsImplied == isImplied)
    }

    @Test func `the asterisk is for OPTIONS`() {
        #expect(parseRequest("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").read?.path == "*")
        #expect(parseRequest("OPTIONS /* HTTP/1.1\r\nHost: a\r\n\r\n").read?.path == "/*")
        #expect(parseRequest("OPTIONS *a HTTP/1.1\r\nHost: a\r\n\r\n").error == .targetInvalid)
        #expect(parseRequest("POST * HTTP/1.1\r\nHost: a\r\n\r\n").error == .targetInvalid)
    }

    @Test(arguments: [
        "a", "a/b", "?a", "#", "ftp://h/", "http:/h", "http//h", "http://", "http:///a", "http://?a",
        "http://u@h/",
        "http://h:x/", "http://h:/", "http://h:65536/", "http://[::1/", "http://h#f", "http://h/#f",
        "http://h?#",
        "http://h\\a", "http://h/../a", "/#", "/a#b", "/a?b#c", "/a?#", "/\\", "/a\\b", "/a%5Cb",
        "/a%5c",
        "/%", "/%2", "/%2g", "/%g2", "/%%20", "/a%", "/a%0", "/%00", "/a%00b", "/\u{E9}", "/a\u{7F}",
        "/a\u{1}",
    ])
    func `a target that is none is refused`(target: String) {
        #expect(parseRequest(get(target)).error == .targetInvalid)
    }

    @Test func `a dot segment is refused in every spelling and place`() {
        let dots = [".", "%2e", "%2E"]
        let segments = dots + dots.flatMap { first in dots.map { first + $0 } }
        for segment in segments {
            for target in [
                "/\(segment)", "/\(segment)/", "/\(segment)/a", "/a/\(segment)", "/a/\(segment)/b",
                "/\(segment)?q",
                "/a//\(segment)", "/a%2F\(segment)/b", "/a%2f\(segment)%2Fb", "/\(segment)%2fb",
                "/a/\(segment);x/b",
                "http://h/\(segment)", "/aaaaaaaaaaaaaaaaaaaaaaaa/\(segment)/b", "/a%20b/\(segment)",
            ] {
                #expect(parseRequest(get(target)).error == .targetInvalid, "\(target)")
            }
            for target in ["/\(segment)a", "/a\(segment)", "/a\(segment)/b", "/\(segment)%20"] {
                #expect(parseRequest(get(target)).read?.path == target, "\(target)")
            }
        }
    }

    @Test func `a target is read the same at every distance from a vector's edge`() {
        for padding in 0..<40 {
            let filler = String(repeating: "p", count: padding)
            #expect(parseRequest(get("/\(filler)/../x")).error == .targetInvalid)
            #expect(parseRequest(get("/\(filler)%zz")).error == .targetInvalid)
            #expect(parseRequest(get("/\(filler)%")).error == .targetInvalid)
            #expect(parseRequest(get("/\(filler)/..")).error == .targetInvalid)
            #expect(parseRequest(get("/\(filler)?q#")).error == .targetInvalid)
            #expect(parseRequest(get("/\(filler)%2F?q")).read?.path == "/\(filler)%2F")
            #expect(parseRequest(get("/\(filler)?q")).read?.query == "?q")
        }
    }
}
