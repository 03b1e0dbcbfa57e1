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
        "{ name: validate-key, store: s }",
        "{ store: s }", "log-in", "~", "[me]",
    ])
    func `what no action takes is refused`(_ text: String) {
        let routes = "- { path: /a, auth: members, action: \(text) }\n"
        #expect(read(Self.head + routes).config == nil)
    }
}
