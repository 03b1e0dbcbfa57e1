import Testing

@testable import Config

@Suite struct DefaultNamesTests {
    static func actions(_ stores: String, _ auth: String, _ action: String) throws -> ActionConfig {
        let text = """
            version: 1
            listeners: { l: 127.0.0.1:1 }
            stores: { \(stores) }
            auth: { open: { mode: none }, \(auth) }
            routes:
              - { path: /a, auth: open, action: \(action) }

            """
        guard case .action(let action) = try config(text).routes[0].action else { throw Noted() }
        return action
    }

    static func errors(_ stores: String, _ auth: String, _ action: String) -> [String] {
        let text = """
            version: 1
            stores: { \(stores) }
            auth: { open: { mode: none }, \(auth) }
            routes: [{ path: /a, auth: open, action: \(action) }]

            """
        return read(text).diagnostics.filter { $0.severity == .error }.map(\.message)
    }

    static let signer = "j: { mode: jwt, algorithms: HS256, secret: { file: k } }"

    @Test func `the only entry is meant where a name is left out`() throws {
        let login = try Self.actions("s: s.db", Self.signer, "login")
        #expect(login.store == "s")
        guard case .login(let rules) = login.kind else { throw Noted() }
        #expect(rules.issues == .jwt(auth: "j"))
        let other = "p: { mode: jwt, algorithms: RS256, public_key: k }"
        #expect(try Self.actions("s: s.db", "\(Self.signer), \(other)", "login") == login)
        let keys = try Self.actions("s: s.db, t: t.db", "m: { mode: user-keys, store: t }", "validate-key")
        #expect(keys.store == "t" && keys.kind == .validateKey(keys: "m"))
    }

    @Test func `a store narrows down whose keys are meant`() throws {
        let auth = "m: { mode: user-keys, store: s }, n: { mode: user-keys, store: t }"
        let action = try Self.actions(
            "s: s.db, t: t.db", auth, "{ name: generate-key, store: t, self_service: true }")
        guard case .generateKey(let rules) = action.kind else { throw Noted() }
        #expect(rules.keys == "n")
    }

    @Test func `of several the candidates are told`() {
        #expect(
            Self.errors("s: s.db, t: t.db", Self.signer, "login") == [
                "`store` is missing in routes[0].action: it may be any of `s`, `t`"
            ])
        let two = Self.signer + ", k: { mode: jwt, algorithms: HS256, secret: { file: k } }"
        #expect(
            Self.errors("s: s.db", two, "login") == [
                "`jwt` is missing in routes[0].action: it may be any of `j`, `k`"
            ])
        #expect(
            Self.errors(
                "s: s.db, t: t.db", "m: { mode: user-keys }", "{ name: register, store: s, response: user }")
                == ["`store` is missing in auth.m: it may be any of `s`, `t`"])
    }

    @Test func `of none it is told what to define`() {
        #expect(
            Self.errors("s: s.db", "", "validate-key") == [
                "`keys` is missing in routes[0].action: no auth entry has `mode: user-keys`"
            ])
        #expect(
            Self.errors("s: s.db", "", "login") == [
                "`jwt` is missing in routes[0].action: no auth entry has `mode: jwt` with a `secret`"
            ])
        #expect(
            Self.errors("", "", "{ name: register, response: user }") == [
                "`store` is missing in routes[0].action: `stores` is empty"
            ])
    }

    @Test func `an entry with a mistake may be the one that is meant`() {
        #expect(
            Self.errors("s: s.db", "j: { mode: jwt, algorithms: HS256, secret: short }", "validate-key")
                == ["`auth.j.secret` must be at least 32 bytes long"])
    }
}
