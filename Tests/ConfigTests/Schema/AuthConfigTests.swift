import Testing

@testable import Config

@Suite struct AuthConfigTests {
    /// `auth: { a: … }` of a file whose other parts do not matter.
    static func auth(_ text: String, environment: [String: String] = [:]) throws -> AuthConfig {
        let file = "version: 1\nstores: { s: s.db }\nauth: { a: { \(text) } }\n"
        return try #require(try config(file, environment: environment).auth.first)
    }

    @Test func `mode none has two switches, both off`() throws {
        let auth = try config(
            "version: 1\nauth: { a: { mode: none }, b: { mode: none, allow_open: true, ignore_credentials: true } }\n"
        ).auth
        #expect(
            auth == [
                AuthConfig(name: "a", mode: .none(allowOpen: false, ignoreCredentials: false)),
                AuthConfig(name: "b", mode: .none(allowOpen: true, ignoreCredentials: true)),
            ])
    }

    @Test func `a mode must be there and be known`() {
        #expect(
            firstError("version: 1\nauth: { a: {} }\n")?.message == "`mode` is missing in auth.a")
        #expect(
            read("version: 1\nauth: { a: { mode: nome } }\n").diagnostics.contains {
                $0.hint == "did you mean `none`?"
            })
    }

    @Test func `what is common to the modes has its defaults`() throws {
        let auth = try Self.auth("mode: token-file, file: t.json")
        #expect(auth.mode == .tokenFile(path: "t.json"))
        #expect(auth.takesBearer && !auth.takesRaw && auth.rejectStatus == 401 && !auth.cutsOnRevoke)
        #expect(auth.maxStale == .seconds(30) && !auth.allowsWhenUnconfigured && !auth.allowsSharedSecret)
    }

    @Test func `what is common to the modes can be said (C5, C48)`() throws {
        let auth = try Self.auth(
            "mode: user-keys, schemes: raw, reject_status: 403, on_revoke: cut, max_stale: 0s")
        #expect(!auth.takesBearer && auth.takesRaw && auth.rejectStatus == 403 && auth.cutsOnRevoke)
        #expect(auth.maxStale == .zero)
        let both = try Self.auth("mode: user-keys, schemes: [bearer, raw]")
        #expect(both.takesBearer && both.takesRaw)
    }

    @Test func `variables may be unset, which is said (S0-29, S0-31, C13, C14)`() throws {
        let auth = try Self.auth("mode: env-key, variables: [A, B], match: any, when_unconfigured: allow")
        #expect(auth.mode == .envKey(.init(variables: ["A", "B"], matchesAny: true)))
        #expect(auth.allowsWhenUnconfigured)
        #expect(
            try Self.auth("mode: env-key, variables: A").mode
                == .envKey(.init(variables: ["A"], matchesAny: false)))
        func warns(_ environment: [String: String]) -> Bool {
            read("version: 1\nauth: { a: { mode: env-key, variables: [A, B] } }\n", environment: environment)
                .diagnostics.contains {
                    $0.message == "no variable of auth `a` is set: nobody comes in by it"
                }
        }
        #expect(warns([:]) && warns(["A": ""]) && !warns(["A": "", "B": "canary"]))
        for name in ["A-B", "''", "5", "[]", "[A, A]"] {
            #expect(read("version: 1\nauth: { a: { mode: env-key, variables: \(name) } }\n").config == nil)
        }
    }

    @Test func `user keys have a prefix and two kinds of credential`() throws {
        #expect(
            try Self.auth("mode: user-keys").mode
                == .userKeys(.init(store: "s", prefix: "hg_", acceptsKeys: true, acceptsSessions: true)))
        #expect(
            try Self.auth("mode: user-keys, store: s, prefix: ws_, accept: sessions").mode
                == .userKeys(.init(store: "s", prefix: "ws_", acceptsKeys: false, acceptsSessions: true)))
        let ignoring = try Self.auth("mode: user-keys, ignore_own_limits: true").mode
        #expect(
            ignoring
                == .userKeys(
                    .init(
                        store: "s", prefix: "hg_", acceptsKeys: true, acceptsSessions: true,
                        ignoresOwnLimits: true)))
        #expect(
            read("version: 1\nstores: { s: s }\nauth: { a: { mode: user-keys, accept: [] } }\n").config == nil
        )
    }

    @Test func `the schema has an alternative for each mode`() {
        let modes = ConfigSchema.json()["properties"]?["auth"]?["additionalProperties"]?["anyOf"]?.items ?? []
        let words = modes.map { $0["properties"]?["mode"]?["anyOf"]?.items.first?["enum"]?.items ?? [] }
        #expect(words.flatMap { $0 } == AuthConfig.variants.map { .string($0.word) })
        #expect(modes.count == 5 && modes.allSatisfy { $0["required"]?.items.first == .string("mode") })
    }
}
