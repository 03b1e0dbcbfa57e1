import Testing

@testable import Config

@Suite struct ActionConfigTests {
    static let head = """
        version: 1
        listeners: { l: 127.0.0.1:1 }
        stores: { s: s.db }
        auth:
          open: { mode: none }
          members: { mode: user-keys }
          logins: { mode: jwt, algorithms: HS256, secret: { file: k } }
        routes:

        """

    static func action(_ text: String, auth: String = "open") throws -> ActionConfig {
        let routes =
            "- { path: /a/**, auth: \(auth), action: \(text) }\n- { path: /b, auth: [logins, members], respond: {} }\n"
        let route = try config(head + routes).routes[0]
        guard case .action(let action) = route.action else { throw Noted() }
        return action
    }

    @Test func `a name alone is enough`() throws {
        for name in [
            "me", "protected", "set-api-key", "list-api-keys", "delete-api-key", "generate-key",
            "validate-key",
        ] {
            let action = try Self.action(name, auth: "members")
            #expect(action.name == name && action.store == "s")
            #expect(try Self.action("{ name: \(name) }", auth: "members") == action)
        }
    }

    @Test func `models are listed without a store`() throws {
        #expect(
            try Self.action("models") == ActionConfig(kind: .models(), name: "models", store: ""))
        #expect(
            try Self.action("{ name: models, discover: true, refresh: 1m }").kind
                == .models(discover: true, refresh: .seconds(60)))
        #expect(
            try Self.action("{ name: models, discover: false }").kind
                == .models(discover: false, refresh: .seconds(300)))
        for bad in ["discover: false, refresh: 1m", "store: s", "refresh: off"] {
            let routes = "- { path: /a, auth: open, action: { name: models, \(bad) } }\n"
            #expect(read(Self.head + routes).config == nil)
        }
    }

    @Test func `each action has its defaults`() throws {
        #expect(try Self.action("me", auth: "members").kind == .me(fields: ["id", "username", "email"]))
        #expect(
            try Self.action("set-api-key", auth: "members").kind
                == .setAPIKey(.init(prefix: nil, lengthMin: 1)))
        #expect(try Self.action("validate-key").kind == .validateKey(keys: "members"))
        #expect(
            try Self.action("generate-key", auth: "members").kind
                == .generateKey(
                    .init(keys: "members", selfService: false, rateLimitMax: 60, rateLimitDefault: 60)))
    }

    @Test func `what is left of limits is told without a store, of all or of those that are named`() throws {
        let limits = "limits: { a: { by: ip, requests_per_day: 1 }, b: { by: [key, ip], concurrent: 1 } }\n"
        func action(_ text: String) throws -> ActionConfig {
            let routes = "- { path: /a, auth: open, limits: [a, b], action: \(text) }\n"
            let file =
                limits
                + Self.head.replacing("stores: { s: s.db }", with: "stores: { s: s.db, t: t.db }")
                .replacing("members: { mode: user-keys }", with: "members: { mode: user-keys, store: s }")
            guard case .action(let action) = try config(file + routes).routes[0].action else { throw Noted() }
            return action
        }
        #expect(try action("limits") == ActionConfig(kind: .limits(of: []), name: "limits", store: ""))
        #expect(try action("{ name: limits, of: b }").kind == .limits(of: ["b"]))
        #expect(try action("{ name: limits, of: [b, a] }").kind == .limits(of: ["b", "a"]))
    }

    @Test func `health tells what it is told to, without a store of its own`() throws {
        #expect(
            try Self.action("health")
                == ActionConfig(
                    kind: .health(.init(fields: ["status"], ok: "healthy")), name: "health", store: ""))
        #expect(
            try Self.action("{ name: health, ok: up, fields: [timestamp, status, database] }").kind
                == .health(.init(fields: ["timestamp", "status", "database"], ok: "up")))
        for bad in ["ok: unhealthy", "ok: ''", "fields: []", "fields: [uptime]", "store: s"] {
            let routes = "- { path: /a, auth: open, action: { name: health, \(bad) } }\n"
            #expect(read(Self.head + routes).config == nil)
        }
    }

    @Test func `a description and its page are named by the file, as text`() throws {
        #expect(
            try Self.action("openapi")
                == ActionConfig(
                    kind: .openapi(.init(title: "API", description: nil, version: "1")), name: "openapi",
                    store: ""))
        #expect(
            try Self.action("{ name: openapi, title: T, description: D, version: '1.10' }").kind
                == .openapi(.init(title: "T", description: "D", version: "1.10")))
        #expect(
            try Self.action("{ name: docs, title: T, openapi: /api/openapi.json }").kind
                == .docs(.init(title: "T", openapi: "/api/openapi.json")))
        #expect(try Self.action("docs").kind == .docs(.init(title: "API", openapi: "/openapi.json")))
        for bad in [
            "openapi, version: 1.10", "openapi, title: ''", "docs, openapi: openapi.json", "docs, store: s",
        ] {
            let routes = "- { path: /a, auth: open, action: { name: \(bad) } }\n"
            #expect(read(Self.head + routes).config == nil)
        }
    }

    @Test func `an action has methods of its own where the route names none`() throws {
        let wanted: [(String, String, [String])] = [
            ("login", "open", ["POST"]), ("{ name: register }", "open", ["POST"]), ("me", "members", ["GET"]),
            ("set-api-key", "members", ["POST"]), ("list-api-keys", "members", ["GET"]),
            ("delete-api-key", "members", ["DELETE"]), ("generate-key", "members", ["POST"]),
            ("validate-key", "open", ["GET", "POST"]), ("health", "open", ["GET"]),
        ]
        for (text, auth, methods) in wanted {
            let routes =
                "- { path: /a/**, auth: \(auth), action: \(text) }\n- { path: /b, auth: [logins, members], respond: {} }\n"
            #expect(try config(Self.head + routes).routes.map(\.methods) == [methods, []])
        }
        let own = "- { path: /a, methods: [PUT], auth: members, action: me }\n"
        #expect(try config(Self.head + own).routes[0].methods == ["PUT"])
    }

    @Test func `each action reads its keys (S3, S4)`() throws {
        #expect(
            try Self.action("{ name: me, fields: [email] }", auth: "members").kind == .me(fields: ["email"]))
        #expect(
            try Self.action(
                "{ name: set-api-key, key_prefix: sk-or-v1-, key_min_length: 20 }", auth: "members"
            ).kind
                == .setAPIKey(.init(prefix: "sk-or-v1-", lengthMin: 20)))
        #expect(
            try Self.action("{ name: generate-key, keys: members, self_service: true, max_rate_limit: 30 }")
                .kind
                == .generateKey(
                    .init(keys: "members", selfService: true, rateLimitMax: 30, rateLimitDefault: 30)))
        #expect(
            try Self.action("{ name: generate-key, self_service: true, default_rate_limit: off }").kind
                == .generateKey(
                    .init(keys: "members", selfService: true, rateLimitMax: 60, rateLimitDefault: nil)))
    }

    @Test(arguments: [
        "{ name: me, fields: [] }", "{ name: me, fields: [id, id] }", "{ name: me, fields: [password] }",
        "{ name: generate-key, max_rate_limit: 10, default_rate_limit: 20 }",
        "{ name: validate-key, store: s }", "{ name: limits, store: s }", "{ name: limits, of: [] }",
        "{ store: s }", "log-in", "~", "[me]",
    ])
    func `what no action takes is refused`(_ text: String) {
        let routes = "- { path: /a, auth: members, action: \(text) }\n"
        #expect(read(Self.head + routes).config == nil)
    }
}
