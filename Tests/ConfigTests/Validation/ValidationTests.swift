import Testing

@testable import Config

@Suite struct ValidationTests {
    static func messages(_ routes: String, head: String = RouteConfigTests.head) -> [String] {
        read(head + routes).diagnostics.map(\.message)
    }

    @Test func `names must be defined, and the defined ones are listed`() {
        #expect(
            Self.messages("- { path: /a, auth: p, to: v, listener: m }\n") == [
                "auth `p` is not defined (defined: o)", "upstream `v` is not defined (defined: u)",
                "listener `m` is not defined (defined: l)",
            ])
    }

    @Test func `an entry with a mistake is defined all the same`() {
        let head = RouteConfigTests.head.replacing("http://127.0.0.1:2", with: "ftp://x")
        let messages = Self.messages("- { path: /a, auth: o, to: u }\n", head: head)
        #expect(messages.count == 1 && messages[0].hasPrefix("`upstreams.u.url` must be a URL"))
    }

    @Test func `what nobody uses is warned about, unless a route is broken`() {
        #expect(
            Self.messages("- { path: /a, auth: o, respond: {} }\n") == [
                "upstream `u` is not used by any route"
            ])
        #expect(
            Self.messages("- { path: /a, auth: o, to: v }\n") == ["upstream `v` is not defined (defined: u)"])
    }

    @Test func `what a variable chooses among is not called unused`() {
        let head = RouteConfigTests.head.replacing("auth: {", with: "auth: { spare: { mode: none }, ")
        let route = "path: /a, respond: {}"
        let plain = Self.messages("- { \(route), auth: o }\n", head: head)
        #expect(plain.contains("auth `spare` is not used by any route"))
        let chosen = Self.messages("- { \(route), auth: \"${WHO:-o}\" }\n", head: head)
        #expect(chosen == plain.filter { !$0.contains("spare") })
    }

    @Test func `a list of a thousand names is not written out`() {
        let names = (0..<1000).map { "n\($0): http://127.0.0.1:2" }.joined(separator: ", ")
        let text =
            "version: 1\nauth: { o: { mode: none } }\nupstreams: { \(names) }\nroutes: [{ path: /a, auth: o, to: x }]\n"
        let message = read(text).diagnostics.first { $0.severity == .error }?.message
        #expect(message?.hasSuffix("n18, n19, …)") == true)
    }
}
