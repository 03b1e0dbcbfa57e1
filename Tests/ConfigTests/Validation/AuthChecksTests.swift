import Testing

@testable import Config

@Suite struct AuthChecksTests {
    static func warnings(_ auth: String, _ routes: String, bind: String = "0.0.0.0:1") -> [String] {
        let text = """
            version: 1
            listeners: { l: "\(bind)", m: 127.0.0.1:9 }
            auth: { t: { mode: token-file, file: t }, a: { mode: token-file, file: a, when_unconfigured: allow }, \(auth) }
            routes: [{ path: /t, auth: t, respond: {} }, \(routes)]

            """
        return read(text).diagnostics.map(\.message)
    }

    /// C11: the door that opens by itself is told of, wherever it can be seen from outside.
    @Test func `whoever lets everybody in without a key is told so`() {
        let open =
            "auth `a` lets everybody in while it has no key, and routes[1] serves it on listener `l`, which is not loopback"
        #expect(Self.warnings("", "{ path: /a, auth: a, respond: {} }") == [open])
        #expect(
            Self.warnings("", "{ path: /a, auth: a, respond: {} }, { path: /b, auth: a, respond: {} }") == [
                open
            ])
        #expect(Self.warnings("", "{ path: /a, auth: a, respond: {} }", bind: "127.0.0.1:1") == [])
        #expect(Self.warnings("", "{ path: /a, auth: a, listener: m, respond: {} }") == [])
    }

    @Test func `all entries of a route must say so`() {
        let overruled =
            "`when_unconfigured: allow` of auth `a` has no effect on routes[1]: auth `t` does not say so"
        #expect(Self.warnings("", "{ path: /a, auth: [a, t], respond: {} }") == [overruled])
        #expect(Self.warnings("", "{ path: /a, auth: [t, a], respond: {} }") == [overruled])
        let second = "b: { mode: token-file, file: b, when_unconfigured: allow }"
        #expect(Self.warnings(second, "{ path: /a, auth: [a, b], respond: {} }", bind: "127.0.0.1:1") == [])
    }

    @Test func `two stores are two files`() {
        let text = "version: 1\nstores: { a: x.db, b: y.db, c: x.db }\n"
        let errors = read(text).diagnostics.filter { $0.severity == .error }
        #expect(errors.map(\.message) == ["stores `a` and `c` are the same file"])
        #expect(errors.map(\.keyPath) == ["stores.c.sqlite"])
    }

    static func errors(auth names: String, _ entries: String = "") -> [Diagnostic] {
        let text = """
            version: 1
            listeners: { l: "127.0.0.1:1" }
            auth:
              one: { mode: jwt, algorithms: RS256, public_key: a.pem }
              keys: { mode: token-file, file: t }
              two: { mode: jwt, algorithms: HS256, secret: { file: s } }
              raw: { mode: jwt, algorithms: HS256, secret: { file: r }, schemes: raw }
              both: { mode: jwt, algorithms: HS256, secret: { file: b }, schemes: [bearer, raw] }
              \(entries)
            routes: [{ path: /a, auth: \(names), respond: {} }]

            """
        return read(text).diagnostics.filter { $0.severity == .error }
    }

    /// A `jwt` entry takes or refuses every token that reaches it.
    @Test func `an entry of tokens behind another one is refused, and both are named`() {
        let errors = Self.errors(auth: "[one, keys, two]")
        #expect(
            errors.map(\.message) == [
                "auth `two` is never asked on routes[0]: `one` before it, `mode: jwt` too, answers for every token"
            ])
        #expect(errors.map(\.keyPath) == ["routes[0].auth[2]"])
        #expect(errors.map(\.hint) == ["give them different routes, or keep one of them"])
        #expect(Self.errors(auth: "[two, one]").map(\.keyPath) == ["routes[0].auth[1]"])
        #expect(
            Self.errors(auth: "[both, raw, one]").map(\.keyPath) == [
                "routes[0].auth[1]", "routes[0].auth[2]",
            ])
        #expect(Self.errors(auth: "[raw, one, both]").map(\.keyPath) == ["routes[0].auth[2]"])
    }

    @Test func `an entry of tokens that is asked for some of them stays`() {
        #expect(Self.errors(auth: "[one, raw]") == [] && Self.errors(auth: "[raw, one]") == [])
        #expect(Self.errors(auth: "[one, both]") == [] && Self.errors(auth: "[keys, two]") == [])
    }

    @Test func `an entry with a mistake is told of once`() {
        let broken = "bad: { mode: jwt, algorithms: none, public_key: a.pem }"
        #expect(Self.errors(auth: "[one, bad]", broken).map(\.keyPath) == ["auth.bad.algorithms"])
    }
}
