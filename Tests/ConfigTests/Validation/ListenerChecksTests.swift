import Testing

@testable import Config

@Suite struct ListenerChecksTests {
    @Test(arguments: [
        ("127.0.0.1:1", "127.0.0.1:1", true), ("127.0.0.1:1", "127.0.0.1:2", false),
        ("127.0.0.1:1", "127.0.0.2:1", false),
        ("0.0.0.0:1", "127.0.0.1:1", true), ("0.0.0.0:1", "[::1]:1", false), ("[::]:1", "127.0.0.1:1", false),
        ("[::]:1", "[::1]:1", true), ("[::]:1", "0.0.0.0:1", false), ("localhost:1", "127.0.0.1:1", true),
        ("localhost:1", "[::1]:1", true),
        ("localhost:1", "127.0.0.2:1", false), ("127.0.0.1:0", "127.0.0.1:0", false),
        ("unix:/a", "unix:/a", true), ("unix:/a", "unix:/b", false),
        ("unix:/a", "127.0.0.1:1", false), ("[0::1]:1", "[::1]:1", true),
    ])
    func `two binds collide where the kernel would refuse`(_ left: String, _ right: String, _ collide: Bool)
        throws
    {
        for (first, second) in [(left, right), (right, left)] {
            let text = "version: 1\nlisteners: { a: '\(first)', b: '\(second)' }\n"
            #expect((read(text).config == nil) == collide)
        }
    }

    @Test func `open access beyond this machine must be said`() {
        func errors(_ bind: String, _ auth: String, _ route: String = "") -> [String] {
            let text =
                "version: 1\nlisteners: { a: '\(bind)', b: 127.0.0.1:9 }\nauth: { o: { \(auth) } }\n"
                + "routes: [{ path: /a, auth: o, respond: {} \(route) }, { path: /b, auth: o, listener: b, respond: {} }]\n"
            return read(text).diagnostics.filter { $0.severity == .error }.map(\.keyPath)
        }
        #expect(errors("0.0.0.0:8", "mode: none") == ["auth.o.mode"])
        #expect(errors("192.168.1.1:8", "mode: none") == ["auth.o.mode"])
        #expect(errors("0.0.0.0:8", "mode: none, allow_open: true") == [])
        #expect(errors("127.0.0.1:8", "mode: none") == [])
        #expect(errors("unix:/a", "mode: none") == [])
        #expect(errors("0.0.0.0:8", "mode: none", ", listener: b") == [])
    }
}
