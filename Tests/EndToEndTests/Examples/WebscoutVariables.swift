import Testing

@testable import CLI

/// The variables and options of `webscout-server`, and the three ways to let people in.
@Suite(.scenario) struct WebscoutVariables {
    private static let shared = Webscout.printedKey

    /// S4-32, S4-36, C3, C5, C34: 403 for a wrong key, in this file alone.
    @Test func `one shared key: 401 without, 403 with another`() throws {
        let scene = try Webscout(.legacy)
        #expect(try scene.chat().status == 200)
        let bare = try scene.example.exchange(
            "GET", "/v1/models", fields: ["Authorization: \(Self.shared)"])
        #expect(bare.status == 200)
        let missing = try scene.example.get("/v1/models")
        let wrong = try scene.chat(key: "another-key")
        #expect(missing.status == 401 && wrong.status == 403)
        for answer in [missing, wrong] {
            let error = try #require(try answer.json()["error"])
            #expect(error["type"] == "authentication_error")
            #expect(error["message"] == "Invalid API key provided")
            #expect(answer.text.contains(#""param":null"#))
        }
        #expect(try scene.chat("Nobody/x").json()["error"]?["footer"] == "Ask whoever runs this server.")
        let other = try Webscout()
        #expect(try other.chat(key: "ws_another").status == 401)
    }

    /// S4-08, S4-10, S4-33: `true` and `false`, and no other word.
    @Test func `without authentication everybody comes in, by either way to say so`() throws {
        for scene in try [Webscout(.open), Webscout(.keys, ["WEBSCOUT_NO_AUTH=true"])] {
            let answer = try scene.example.get("/v1/models")
            #expect(answer.status == 200 && answer["x-ratelimit-limit"] == "60")
            #expect(try scene.chat(key: "whatever an SDK sends").status == 200)
            #expect(scene.keysPassed.last == Webscout.providerKey)
        }
        let scene = try Webscout()
        for (variable, word) in [
            ("NO_AUTH", "yes"), ("NO_AUTH", "1"), ("NO_AUTH", "TRUE"), ("NO_RATE_LIMIT", "maybe"),
        ] {
            let check = try scene.example.sh(
                "headgate check \(scene.example.file)", ["WEBSCOUT_\(variable)=\(word)"])
            #expect(check.code == 1, "\(variable)=\(word): \(check.errors)")
        }
    }

    /// S4-01, S4-07, S4-08, S4-09: the command line wins over variables, variables over what the file says.
    @Test func `host and port come from the command line, the environment or the file`() throws {
        let scene = try Webscout()
        let example = scene.example
        guard case .ip(let host, _) = example.address else { throw Trouble("no address") }
        let (second, third) = (try Address.free(on: host), try Address.free(on: host))
        try example.restart(["WEBSCOUT_HOST=\(host)", "WEBSCOUT_PORT=\(second.port)"])
        func status(_ address: Address) throws -> String {
            try example.sh("curl -o /dev/null -w '%{http_code}' http://\(address.authority)/").output
        }
        #expect(try status(second) == "200" && status(example.address) == "000")
        try example.restart(options: ["--set", "listeners.public=\(third.authority)"])
        #expect(try status(third) == "200" && status(second) == "000")
        let file = example.folder.read("examples/webscout.yaml")
        #expect(file.contains("HOST:-0.0.0.0}") && file.contains("PORT:-8000}"))
    }

    /// S4-08: also from a file in the folder that it is run from.
    @Test func `variables may stand in the environment file`() throws {
        let example = try Example("webscout") { example in
            try example.folder.write(".env", "WEBSCOUT_NO_AUTH=true\nWEBSCOUT_DATA_DIR=elsewhere\n")
        }
        #expect(try example.get("/v1/models").status == 200)
        #expect(example.folder.exists("elsewhere/webscout.db"))
    }

    /// S4-11, S4-65, S4-66, S3-27: made at the first start, for its owner alone.
    @Test func `data lies below the folder that it is run from`() throws {
        let scene = try Webscout()
        #expect(scene.example.log.contains("made data/webscout.db"))
        let mode = try scene.example.sh("stat -c %a data/webscout.db").output
        #expect(mode == "600\n")
        #expect(try scene.sqlite3("SELECT count(*) FROM users") == "1\n")
    }

    /// S4-14, S4-07, S4-01: `--debug` is the level `debug`.
    @Test func `the log has a level`() throws {
        let scene = try Webscout()
        let example = scene.example
        for level in ["debug", "info", "warning", "error", "critical"] {
            let check = try example.sh(
                "headgate check \(example.file)", ["WEBSCOUT_LOG_LEVEL=\(level)"])
            #expect(check.code == 0, "\(level): \(check.errors)")
        }
        let wrong = try example.sh("headgate check \(example.file)", ["WEBSCOUT_LOG_LEVEL=loud"])
        #expect(wrong.code == 1)
        #expect(example.log.contains(" info "))
        try example.restart(["WEBSCOUT_LOG_LEVEL=error"])
        #expect(!example.log.contains(" info "))
        try example.restart(options: ["--set", "log_level=debug"])
        #expect(example.log.contains(" info "))
    }

    /// S4-16: where it listens, who may come in, how much, and where to.
    @Test func `a start tells what is served`() throws {
        let scene = try Webscout()
        let log = scene.example.log
        #expect(log.contains("listening on http://\(scene.example.address.authority)"))
        #expect(log.contains(/auth +.*callers_false \(user-keys\)/))
        #expect(log.contains(/limits +.*60 requests_per_minute by key/))
        #expect(log.contains(/upstreams +ChatGPT \(.*PollinationsAI \(/))
        #expect(!log.contains(Webscout.providerKey))
    }

    /// S4-07, S4-13: each option of the old command has its `--set`.
    @Test func `options are settings of the file`() throws {
        let scene = try Webscout()
        let settings = [
            "listeners.public=localhost:8080", "log_level=debug", "process.workers=4", "log_level=info",
            "routes[4].auth=callers_true", "auth.callers_false.ignore_own_limits=true",
            "routes[4].limits=requests_true", "models.*=PollinationsAI",
            "upstreams.ChatGPT.url=http://127.0.0.1:9/v1",
        ]
        for setting in settings {
            let check = try scene.example.sh("headgate check \(scene.example.file) --set '\(setting)'")
            #expect(check.code == 0 && !check.errors.contains("error"), "\(setting): \(check.errors)")
        }
        #expect(try scene.example.sh("headgate check \(scene.example.file) --set port=1").code == 1)
    }

    /// S4-12, S4-37, S4-60, S4-64, C41: nobody needs a key to look around.
    @Test func `the first page, the documentation and the health are open`() throws {
        let scene = try Webscout(
            .keys,
            [
                "WEBSCOUT_API_TITLE=My AI API", "WEBSCOUT_API_DESCRIPTION=Custom AI API Server",
                "WEBSCOUT_API_VERSION=2.5.0", "WEBSCOUT_API_DOCS_URL=/handbook",
            ])
        let example = scene.example
        #expect(try example.get("/").json()["message"] == "My AI API")
        let health = try example.get("/health")
        #expect(health.status == 200)
        let json = try health.json()
        #expect(json["status"] == "healthy" && json["database"]?.stringValue?.isEmpty == false)
        #expect(UTCTime.seconds(try json.text("timestamp")) != nil)
        let info = try #require(try example.get("/openapi.json").json()["info"])
        #expect(info["title"] == "My AI API" && info["version"] == "2.5.0")
        #expect(info["description"] == "Custom AI API Server")
        let page = try example.get("/handbook")
        #expect(page.status == 200 && page.text.contains("My AI API"))
    }

    /// S4-67, S4-32: a warning that whoever runs it should see, and none else.
    @Test(arguments: Webscout.Variant.allCases) func `check is silent`(variant: Webscout.Variant) throws {
        let scene = try Webscout(variant)
        let good = try scene.example.sh("headgate check \(scene.example.file)")
        #expect(good.code == 0 && good.errors.isEmpty, "\(good.errors)")
        guard variant == .legacy else { return }
        let without = try scene.example.sh(
            "unset WEBSCOUT_API_KEY; headgate check \(scene.example.file)")
        #expect(without.code == 0 && without.errors.contains("nobody comes in by it"))
    }
}
