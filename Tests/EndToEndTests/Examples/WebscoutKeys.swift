import Testing

@testable import CLI

/// Keys that anybody makes for themselves by `examples/webscout.yaml`, from the first to the last.
@Suite(.scenario) struct WebscoutKeys {
    /// S4-17…20, S4-23, S4-24, S4-29, S4-66, C31, C32.
    @Test func `a key has what was asked for, and its user what was told of them`() throws {
        let scene = try Webscout()
        let made = try scene.generate(
            #"{"username":"developer","telegram_id":987654321,"name":"Mine","rate_limit":100,"#
                + #""expires_in_days":30}"#)
        #expect(made.status == 200, "\(made.text)")
        let json = try made.json()
        guard case .object(let members) = json else { throw Trouble("no object: \(made.text)") }
        #expect(
            members.map(\.name) == [
                "api_key", "key_id", "user_id", "name", "created_at", "expires_at", "rate_limit",
            ])
        let key = try json.text("api_key")
        #expect(key.wholeMatch(of: /ws_[A-Za-z0-9]{32}/) != nil, "\(key)")
        #expect(json["name"] == "Mine" && json["rate_limit"]?.integerValue == 100)
        let created = try #require(UTCTime.seconds(json.text("created_at")))
        let expires = try #require(UTCTime.seconds(json.text("expires_at")))
        #expect(expires - created == 30 * 86_400)
        let other = try scene.generate(#"{"username":"someone","telegram_id":"5"}"#).json()
        #expect(other["name"] == "default" && other["expires_at"] == .null)
        #expect(other["rate_limit"]?.integerValue == 60)
        #expect(try other.text("api_key") != key)

        let users = try scene.example.json("user", "list")["users"]?.arrayValue ?? []
        let user = try #require(users.first { $0["username"] == "developer" })
        #expect(user["telegram_id"] == "987654321", "a number is kept as text")
        #expect(try user["id"]?.stringValue == json.text("user_id"))
        let columns = "name, rate_limit, is_active, usage_count, metadata IS NULL, last_used_at IS NULL"
        let row = try scene.sqlite3("SELECT \(columns) FROM keys WHERE name = 'Mine'")
        #expect(row == "Mine|100|1|0|1|1\n")
        let dump = try scene.sqlite3(".dump")
        #expect(!dump.contains(key.dropFirst(11)), "the key itself is kept nowhere")
    }

    /// S4-21, S4-22, C32, C33.
    @Test func `a user has one key at a time, and keeps their name`() throws {
        let scene = try Webscout()
        #expect(try scene.generate(#"{"username":"ada","telegram_id":"123"}"#).status == 200)
        let second = try scene.generate(#"{"username":"ada","telegram_id":123}"#)
        #expect(second.status == 409)
        #expect(try second.json().text("error").contains("already has an active API key"))
        let taken = try scene.generate(#"{"username":"ada","telegram_id":"124"}"#)
        #expect(taken.status == 409)
        #expect(try taken.json()["error"] == "Username is already taken")
    }

    /// S4-24, S4-25, S4-35: as the database says, at once.
    @Test func `a key that has expired or was revoked is refused, and another can be made`() throws {
        let scene = try Webscout()
        let wish = #"{"username":"ada","telegram_id":"123","expires_in_days":1}"#
        let first = try scene.generate(wish).json()
        let key = try first.text("api_key")
        #expect(try scene.chat(key: key).status == 200)
        _ = try scene.sqlite3("UPDATE keys SET expires_at = 1 WHERE public_id = '\(first.text("key_id"))'")
        try waitUntil("the key to be refused", within: 5) { try scene.chat(key: key).status == 401 }
        #expect(try scene.chat(key: key).json()["error"] == "API key has expired")
        #expect(try scene.validate(key)["error"] == "API key has expired")
        let second = try scene.generate(wish).json()
        let next = try second.text("api_key")
        #expect(try next != key && scene.chat(key: next).status == 200)
        _ = try scene.example.succeed("apikey", "revoke", second.text("key_id"))
        try waitUntil("the key to be refused", within: 5) { try scene.chat(key: next).status == 401 }
        #expect(try scene.chat(key: next).json()["error"] == "API key is inactive")
        #expect(try scene.validate(next)["error"] == "API key is inactive")
        #expect(try scene.generate(wish).status == 200)
    }

    /// S4-26, S4-27, C40: a report has 200, whatever it says.
    @Test func `validate tells of a key, and its uses are counted`() throws {
        let scene = try Webscout()
        let before = try scene.validate(scene.key)
        #expect(before["valid"] == .bool(true) && before["usage_count"]?.integerValue == 0)
        #expect(before["last_used_at"] == .null && before["rate_limit"]?.integerValue == 60)
        for _ in 0..<3 { #expect(try scene.chat().status == 200) }
        try waitUntil("three uses", within: 5) {
            try scene.validate(scene.key)["usage_count"]?.integerValue == 3
        }
        let report = try scene.validate(scene.key)
        #expect(UTCTime.seconds(try report.text("last_used_at")) != nil)
        for (key, error) in [("sk-x", "Invalid API key format"), ("ws_x", "API key not found")] {
            let report = try scene.validate(key)
            #expect(report["valid"] == .bool(false) && report["error"]?.stringValue == error)
        }
    }

    /// S4-28, S4-58, C30: 422 in this shape.
    @Test func `a name is 3 to 50 characters, and what is wrong is told for each member`() throws {
        let scene = try Webscout()
        for name in ["ab", String(repeating: "a", count: 51)] {
            let answer = try scene.generate(#"{"username":"\#(name)","telegram_id":"7"}"#)
            #expect(answer.status == 422)
            let error = try #require(try answer.json()["error"])
            #expect(error["message"] == "Request validation error." && error["type"] == "validation_error")
            let detail = try #require(error["details"]?.arrayValue?.first)
            #expect(detail["loc"] == (try parseJSON(#"["body","username"]"#)))
            #expect(detail["message"]?.stringValue?.isEmpty == false)
            #expect(detail["type"]?.stringValue?.isEmpty == false)
        }
        let none = try scene.generate("{}")
        #expect(none.status == 422)
        let details = try none.json()["error"]?["details"]?.arrayValue ?? []
        #expect(details.map { $0["loc"]?.arrayValue?.last } == ["username", "telegram_id"])
        #expect(try scene.generate("not JSON").status == 422)
    }

    /// C31: who makes a key chooses its limit, up to a bound, and an address cannot ask for ever.
    @Test func `a limit of one's own has a bound, and so has the making of keys`() throws {
        let scene = try Webscout()
        let most = try scene.generate(#"{"username":"most","telegram_id":"8","rate_limit":1000}"#)
        #expect(most.status == 200)
        let more = try scene.generate(#"{"username":"more","telegram_id":"9","rate_limit":1001}"#)
        #expect(more.status == 422)
        var last = more
        for _ in 0..<60 where last.status != 429 { last = try scene.generate("{}") }
        #expect(last.status == 429)
        #expect(try last.json()["error"] == "Rate limit exceeded")
        #expect(try scene.chat().status == 200, "what is used with a key is counted for itself")
    }

    /// S4-31, C48: the word before the key may be left out here, and is read without case.
    @Test func `a bare key is taken too`() throws {
        let scene = try Webscout()
        for field in ["Bearer \(scene.key)", "bearer \(scene.key)", "BEARER \(scene.key)", scene.key] {
            let answer = try scene.example.exchange(
                "GET", "/v1/models", fields: ["Authorization: \(field)"])
            #expect(answer.status == 200, "\(field.prefix(8))")
        }
    }

    /// C36: it is a field of requests, and stands in no answer.
    @Test func `no answer has the key in it but the one that it was made by`() throws {
        let scene = try Webscout(limit: 2)
        let answers = try [
            scene.chat(), scene.chat(), scene.chat(), scene.chat("Nope/gpt-4"),
            scene.example.get("/v1/auth/validate", bearer: scene.key),
            scene.example.get("/limits", bearer: scene.key),
        ]
        #expect(answers.map(\.status).contains(429))
        for answer in answers {
            #expect(answer["authorization"] == nil)
            #expect(!answer.fields.contains { $0.value.contains(scene.key) })
            #expect(!answer.text.contains(scene.key))
        }
    }

    /// S4-65: what was made is there after a restart.
    @Test func `keys outlive the server`() throws {
        let scene = try Webscout()
        try scene.example.restart()
        #expect(try scene.chat().status == 200)
        #expect(try scene.example.succeed("db", "check").hasPrefix("ok: "))
    }

    /// S4-67: each refusal is in the log, with why, and no key in clear.
    @Test func `refusals are logged without the key`() throws {
        let scene = try Webscout(limit: 1, options: ["--set", "access_log=./access.log"])
        let wrong = Fresh.text(32, prefix: "ws_")
        #expect(try scene.chat().status == 200)
        #expect(try scene.chat().status == 429)
        #expect(try scene.chat(key: wrong).status == 401)
        #expect(try scene.chat("Nope/gpt-4", key: wrong).status == 401)
        try waitUntil("the records", within: 5) {
            let log = scene.example.folder.read("access.log")
            return log.contains(#""code":"rate_limit_exceeded""#)
                && log.contains(#""code":"invalid_api_key""#)
        }
        let said = scene.example.folder.read("access.log") + scene.example.log
        #expect(!said.contains(scene.key) && !said.contains(wrong))
    }
}
