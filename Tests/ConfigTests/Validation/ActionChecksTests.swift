import Testing

@testable import Config

@Suite struct ActionChecksTests {
    static func messages(
        _ route: String, bind: String = "127.0.0.1:1", others: String = "", limits: String = ""
    ) -> [String] {
        let text = """
            version: 1
            listeners: { l: "\(bind)" }
            stores: { s: s.db, t: t.db }
            limits: { few: { by: ip, requests_per_minute: 5 }\(limits) }
            auth:
              open: { mode: none, allow_open: true }
              any: { mode: none, ignore_credentials: true }
              file: { mode: token-file, file: f }
              members: { mode: user-keys, store: s }
              guests: { mode: user-keys, store: t, accept: keys }
              users: { mode: jwt, algorithms: HS256, secret: { file: k }, store: s }
              staff: { mode: jwt, algorithms: RS256, public_key: p }
            routes:
              - { \(route) }
              - { path: /all, auth: [file, members, guests, staff], limits: few, respond: {} }
              - { path: /others, auth: [file\(others)], respond: {} }

            """
        return read(text).diagnostics.map(\.message).filter { !$0.contains("is not used by any route") }
    }

    @Test(arguments: ["me", "protected", "set-api-key", "list-api-keys", "delete-api-key"])
    func `an action about a user needs one`(_ name: String) {
        func messages(_ auth: String) -> [String] {
            Self.messages("path: /a/**, auth: \(auth), action: { name: \(name), store: s }")
        }
        for auth in ["members", "users", "[file, members]", "[members, users]"] {
            #expect(messages(auth) == [])
        }
        for auth in ["[guests, users]", "[users, guests]"] {
            #expect(
                messages(auth) == [
                    "`\(name)` is about users of store `s`, and auth `guests` of routes[0] lets in those of `t`"
                ])
        }
        for auth in ["file", "guests", "staff", "[file, guests]"] {
            #expect(
                messages(auth) == [
                    "`\(name)` needs a caller who is a user of store `s`, and no auth entry of routes[0] has them"
                ])
        }
        for auth in ["open", "[members, open]"] {
            #expect(
                messages(auth) == [
                    "`\(name)` needs a caller who is a user: auth `open` of routes[0] has `mode: none`"
                ])
        }
    }

    @Test func `a name to delete needs room in the path`() {
        func errors(_ path: String) -> Int {
            Self.messages("path: \(path), auth: members, action: { name: delete-api-key, store: s }").count
        }
        #expect(errors("/k") == 1 && errors("/k/**") == 0 && errors("/k/*") == 0)
    }

    /// C31: whoever may make keys by naming themselves is held back by a limit.
    @Test func `what everybody may call has a limit, beyond this machine`() {
        for action in [
            "{ name: login, store: s, issues: session }", "{ name: register, store: s, response: user }",
            "{ name: generate-key, keys: members, self_service: true }",
        ] {
            func warnings(_ more: String, _ bind: String = "0.0.0.0:1") -> Int {
                Self.messages("path: /a, \(more), action: \(action)", bind: bind).count
            }
            #expect(warnings("auth: open") == 1 && warnings("auth: [members, open]") == 1)
            #expect(warnings("auth: open, limits: few") == 0 && warnings("auth: members") == 0)
            #expect(warnings("auth: open", "127.0.0.1:1") == 0)
        }
    }

    @Test func `keys are made by a user, or by anybody who says so`() {
        func messages(_ auth: String, _ more: String) -> [String] {
            Self.messages("path: /a, auth: \(auth), action: { name: generate-key, \(more) }")
        }
        #expect(messages("members", "keys: members") == [])
        #expect(messages("open", "keys: members, self_service: true") == [])
        #expect(
            messages("open", "keys: members") == [
                "`generate-key` needs a caller who is a user: auth `open` of routes[0] has `mode: none`"
            ])
        #expect(
            messages("file", "keys: members") == [
                "`generate-key` needs a caller who is a user of store `s`, and no auth entry of routes[0] has them"
            ])
        #expect(
            messages("members", "keys: users, store: s") == [
                "auth `users` has no keys to make: it is not `mode: user-keys`"
            ])
        #expect(
            messages("members", "keys: guests, store: s") == [
                "keys of auth `guests` are in store `t`, not in `s`"
            ])
    }

    /// C40: a bad key is told about with status 200, so it must not be refused before.
    @Test func `keys to be looked at come through`() {
        func messages(_ auth: String) -> [String] {
            Self.messages("path: /a, auth: \(auth), action: { name: validate-key, keys: members }")
        }
        let warning = "`validate-key` never hears of a bad key: routes[0] refuses it before"
        #expect(messages("any") == [] && messages("[members, any]") == [])
        #expect(messages("open") == [warning] && messages("members") == [warning])
    }

    /// S1-50.
    @Test func `of keys that no database has nothing can be told`() {
        func messages(_ upstream: String, auth: String = "members", key: String) -> [String] {
            Self.messages(
                "path: /a, auth: \(auth), action: { name: key-status, store: s, upstream: \(upstream) }",
                limits: " }\nupstreams: { up: { url: 'https://up.example', key: \(key) }")
        }
        let chain = "{ first_of: [ { database: s }, { file: k } ] }"
        #expect(messages("up", key: chain) == [])
        #expect(messages("ux", key: chain).contains("upstream `ux` is not defined (defined: up)"))
        #expect(
            messages("up", key: "{ file: k }").contains(
                "`routes[0].action.upstream` cannot know of a user's key: the `key` of upstream `up` has no `database`"
            ))
        #expect(
            messages("up", auth: "open", key: chain).contains(
                "`key-status` needs a caller who is a user: auth `open` of routes[0] has `mode: none`"))
    }

    @Test func `a page without its description is told of`() {
        func messages(_ path: String) -> [String] {
            Self.messages(
                "path: \(path), auth: open, action: openapi }\n  - { path: /d, auth: open, action: docs")
        }
        for path in ["/openapi.json", "/open*"] { #expect(messages(path) == [], "\(path)") }
        #expect(
            messages("/other.json") == [
                "`docs` has nothing to show: no route with `action: openapi` answers `/openapi.json`"
            ])
    }

    @Test func `of limits that depend on more than who asks nothing can be told`() {
        func messages(_ names: String) -> [String] {
            Self.messages(
                "path: /a, auth: open, limits: few, action: { name: limits, of: \(names) }",
                limits:
                    ", model: { by: [key, model], requests_per_hour: 5 }, way: { by: route, concurrent: 5 }")
        }
        #expect(messages("few") == [])
        #expect(messages("[few, model]") == ["`limits` cannot tell of limit `model`: it is by key, model"])
        #expect(messages("way") == ["`limits` cannot tell of limit `way`: it is by route"])
        #expect(messages("[few, few]") == ["`few` is listed twice"])
        #expect(messages("fex") == ["limit `fex` is not defined (defined: few, model, way)"])
    }

    @Test func `what is given out is taken by a route`() {
        func login(_ more: String, _ store: String = "s", others: String = "") -> [String] {
            Self.messages(
                "path: /a, auth: open, action: { name: login, store: \(store), \(more) }", others: others)
        }
        #expect(login("issues: session") == [])
        #expect(login("issues: session", "t") == ["no route takes the sessions that `login` gives out"])
        #expect(login("jwt: users", others: ", users") == [])
        #expect(login("jwt: users") == ["no route takes the tokens that `login` gives out"])
        #expect(login("jwt: staff") == ["auth `staff` cannot sign: it is not `mode: jwt` with a `secret`"])
        #expect(
            login("jwt: members") == ["auth `members` cannot sign: it is not `mode: jwt` with a `secret`"])
        #expect(
            login("jwt: users", "t") == [
                "auth `users` looks for users in store `s`, `login` takes them from `t`"
            ])
        #expect(
            login("jwt: none") == [
                "auth `none` is not defined (defined: open, any, file, members, guests, users, staff)"
            ])
    }

    @Test func `open access beyond this machine must be said for actions too`() {
        let text = """
            version: 1
            listeners: { l: 0.0.0.0:1 }
            stores: { s: s.db }
            auth: { open: { mode: none } }
            limits: { few: { by: ip, requests_per_minute: 5 } }
            routes: [{ path: /a, auth: open, limits: few, action: { name: register, response: user } }]

            """
        #expect(read(text).diagnostics.map(\.keyPath) == ["auth.open.mode"])
    }
}
