import CLinux
import JSON
import Stores
import Testing

@testable import Config
@testable import Proxy

private let ada = #"{"username": "ada", "telegram_id": "123456"}"#

private func now() -> Int64 { Int64(headgate_realtime_ns() / 1_000_000_000) }

@Suite struct BoundActionClientKeysTests {
    @Test func `anybody can make one key for themselves`() throws {
        let scene = try ActionScene()
        let generate = scene.action(.testGenerateKey())
        let made = try scene.ask(
            generate,
            #"{"username": "ada", "telegram_id": 123456, "name": "Bot", "#
                + #""rate_limit": 30, "expires_in_days": 2}"#
        )
        #expect(made.status == 200 && !made.isStored)
        #expect(
            made.body.members?.map(\.key) == [
                "api_key", "key_id", "user_id", "name", "created_at", "expires_at", "rate_limit",
            ])
        #expect(made.body["name"]?.text == "Bot")
        #expect(made.body["rate_limit"]?.integer == 30)
        let credential = try #require(made.body["api_key"]?.text)
        #expect(credential.hasPrefix("ws_") && credential.count >= 35)
        let stored = try scene.withStore { try $0.key(digest: sha256(Array(credential.utf8))) }
        let key = try #require(stored)
        let expiresAt = try #require(key.expiresAt)
        // Two looks at the clock.
        #expect(abs(expiresAt - key.createdAt - 2 * 86_400) <= 1)
        #expect(made.body["expires_at"]?.text == ActionAnswers.time(expiresAt))
        let user = try #require(try scene.withStore { try $0.user(.telegramID("123456")) })
        #expect(user.username == "ada" && made.body["user_id"]?.text == user.publicID)

        let second = try scene.ask(generate, ada)
        #expect(second.status == 409)
        #expect(second.detail == "User already has an active API key")
    }

    @Test func `what is not asked for has the route's default`() throws {
        let scene = try ActionScene()
        let made = try scene.ask(scene.action(.testGenerateKey()), ada)
        #expect(made.body["name"]?.text == "default")
        #expect(made.body["rate_limit"]?.integer == 20)
        #expect(made.body["expires_at"] == .null)
    }

    @Test func `after revocation or expiry another can be made`() throws {
        let scene = try ActionScene()
        let generate = scene.action(.testGenerateKey())
        #expect(try scene.ask(generate, ada).status == 200)
        let user = try scene.withStore { store in
            let user = try #require(try store.user(.telegramID("123456")))
            for key in try store.keys(ofUser: user.id) { try store.revokeKey(key.id) }
            return user
        }
        #expect(try scene.ask(generate, ada).status == 200)
        try scene.withStore { store in
            for key in try store.keys(ofUser: user.id) { try store.revokeKey(key.id) }
            _ = try store.createKey(
                NewClientKey(userID: user.id, name: "old", prefix: "ws_", expiresAt: now() - 1))
            _ = try store.createKey(NewClientKey(userID: user.id, kind: .session, name: "s", prefix: "s_"))
        }
        #expect(try scene.ask(generate, ada).status == 200)
        #expect(try scene.ask(generate, ada).status == 409)
    }

    @Test func `a name of somebody else is taken, whether they have a telegram id or none`() throws {
        let scene = try ActionScene()
        let generate = scene.action(.testGenerateKey())
        #expect(try scene.ask(generate, ada).status == 200)
        let other = try scene.ask(generate, #"{"username": "ada", "telegram_id": "999"}"#)
        #expect(other.status == 409 && other.detail == "Username is already taken")
        _ = try scene.newUser("bob")
        #expect(try scene.ask(generate, #"{"username": "bob", "telegram_id": "999"}"#).status == 409)
        #expect(try scene.withStore { try $0.user(.telegramID("999")) } == nil)
    }

    @Test func `a disabled user makes no key`() throws {
        let scene = try ActionScene()
        try scene.withStore { store in
            let user = try store.createUser(NewUser(username: "ada", telegramID: "123456"))
            try store.setActive(user.id, false)
        }
        #expect(try scene.ask(scene.action(.testGenerateKey()), ada).status == 403)
    }

    @Test(arguments: [
        #"{"username": "ab", "telegram_id": 1}"#, #"{"username": "ada"}"#, #"{"telegram_id": 1}"#,
        #"{"username": "ada", "telegram_id": 1, "rate_limit": 61}"#,
        #"{"username": "ada", "telegram_id": 1, "rate_limit": 0}"#,
        #"{"username": "ada", "telegram_id": 1, "expires_in_days": 0}"#,
        #"{"username": "ada", "telegram_id": 1, "expires_in_days": -1}"#,
        #"{"username": "ada", "telegram_id": 1, "name": ""}"#,
    ])
    func `what is out of bounds is refused`(body: String) throws {
        let scene = try ActionScene()
        let answer = try scene.ask(scene.action(.testGenerateKey(), errors: .webscout), body)
        #expect(answer.status == 422)
        #expect(answer.body["error"]?["type"]?.text == "validation_error")
        #expect(try scene.ask(scene.action(.testGenerateKey(), errors: .openai), body).status == 400)
        #expect(try scene.withStore { try $0.users().isEmpty })
    }

    @Test func `without self-service the key is the caller's`() throws {
        let scene = try ActionScene()
        let bob = try scene.newUser("bob")
        let generate = scene.action(.testGenerateKey(selfService: false))
        let made = try scene.ask(generate, ada, caller: bob)
        #expect(made.status == 200)
        #expect(try scene.withStore { try $0.keys(ofUser: bob.userID).count } == 1)
        #expect(try scene.withStore { try $0.user(.telegramID("123456")) } == nil)
    }

    @Test func `whoever asks by the key that they have is told so`() throws {
        let scene = try ActionScene()
        let bob = try scene.newUser("bob")
        let generate = scene.action(.testGenerateKey(selfService: false))
        let made = try scene.ask(generate, ada, caller: bob)
        let key = try #require(made.body["api_key"]?.text)
        let byKey = try scene.ask(generate, ada, caller: bob, credential: key)
        #expect(byKey.status == 409)
        #expect(byKey.detail == "User already has an active API key, the one of this request")
        let byLogin = try scene.ask(generate, ada, caller: bob, credential: "hgs_x")
        #expect(byLogin.status == 409 && byLogin.detail == "User already has an active API key")
    }

    @Test func `nobody gets a key of somebody with a password by their telegram id`() throws {
        let scene = try ActionScene()
        try scene.withStore { store in
            _ = try store.createUser(NewUser(username: "boss", telegramID: "123456", passwordHash: "x"))
        }
        for name in ["ada", "boss"] {
            let answer = try scene.ask(
                scene.action(.testGenerateKey()), #"{"username": "\#(name)", "telegram_id": 123456}"#)
            #expect(answer.status == 403)
        }
        #expect(try scene.withStore { try $0.keys(ofUser: nil) } == [])
    }

    @Test func `nobody gets a key of somebody who was made by hand, or under another name`() throws {
        let scene = try ActionScene()
        let generate = scene.action(.testGenerateKey())
        try scene.withStore { store in
            _ = try store.createUser(NewUser(username: "bob", telegramID: "1"))
            let eve = try store.createUser(NewUser(username: "eve", email: "e@x.org", telegramID: "2"))
            let key = try store.createKey(NewClientKey(userID: eve.id, name: "k", prefix: "ws_"))
            try store.revokeKey(key.key.id)
        }
        for body in [#"{"username": "bob", "telegram_id": 1}"#, #"{"username": "eve", "telegram_id": 2}"#] {
            #expect(try scene.ask(generate, body).status == 403)
        }
        #expect(try scene.ask(generate, ada).status == 200)
        try scene.withStore { store in
            for key in try store.keys(ofUser: nil) { try store.revokeKey(key.id) }
        }
        let renamed = try scene.ask(generate, #"{"username": "eda", "telegram_id": 123456}"#)
        #expect(renamed.status == 409 && renamed.detail == "This telegram id has another username")
        #expect(try scene.ask(generate, ada).status == 200)
    }

    @Test func `a key is told what it is worth`() throws {
        let scene = try ActionScene()
        let made = try scene.ask(scene.action(.testGenerateKey()), ada)
        let credential = try #require(made.body["api_key"]?.text)
        let validate = scene.action(.validateKey(keys: "members"))
        let id = try scene.withStore { store in
            let key = try #require(try store.key(digest: sha256(Array(credential.utf8))))
            try store.recordUses([(key: key.id, count: 7, lastUsedAt: 1_772_366_400)])
            return key.id
        }
        let good = try scene.ask(validate, credential: credential)
        #expect(good.status == 200)
        #expect(
            good.body
                == .object([
                    .init("valid", .bool(true)), .init("user_id", made.body["user_id"] ?? .null),
                    .init("key_id", made.body["key_id"] ?? .null), .init("rate_limit", .integer(20)),
                    .init("usage_count", .integer(7)), .init("last_used_at", .string("2026-03-01T12:00:00Z")),
                ]))
        try scene.withStore { try $0.revokeKey(id) }
        #expect(try scene.ask(validate, credential: credential).body["error"]?.text == "API key is inactive")
    }

    @Test func `a key that is not good is reported, not refused`() throws {
        let scene = try ActionScene()
        let validate = scene.action(.validateKey(keys: "members"))
        let (expired, session, disabled) = try scene.withStore { store in
            let user = try store.createUser(NewUser(username: "ada"))
            let off = try store.createUser(NewUser(username: "off"))
            let expired = try store.createKey(
                NewClientKey(userID: user.id, name: "k", prefix: "ws_", expiresAt: now() - 1))
            let session = try store.createKey(
                NewClientKey(userID: user.id, kind: .session, name: "s", prefix: "ws_"))
            let disabled = try store.createKey(NewClientKey(userID: off.id, name: "k", prefix: "ws_"))
            try store.setActive(off.id, false)
            return (expired.credential, session.credential, disabled.credential)
        }
        let cases: [(String?, String)] = [
            (nil, "Invalid API key format"), ("sk-other", "Invalid API key format"),
            ("ws_nobody", "API key not found"),
            (String(decoding: expired.reveal(), as: UTF8.self), "API key has expired"),
            (String(decoding: session.reveal(), as: UTF8.self), "Invalid API key format"),
            (String(decoding: disabled.reveal(), as: UTF8.self), "API key is inactive"),
        ]
        for (credential, message) in cases {
            let answer = try scene.ask(validate, credential: credential)
            #expect(answer.status == 200)
            #expect(answer.text == "{\"valid\":false,\"error\":\"\(message)\"}\n")
        }
    }
}
