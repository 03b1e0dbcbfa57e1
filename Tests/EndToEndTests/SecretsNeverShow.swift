import Glibc
import Testing

@testable import CLI

/// Random secrets of every kind go through every path; afterwards no answer, log, store or output holds one,
/// nor a part of one.
@Suite(.scenario) struct SecretsNeverShow {
    @Test func `a secret that shows is found, in every form and at every place`() throws {
        let (folder, canaries) = (try Folder(), Canaries())
        let secret = Fresh.text(52, prefix: "sk-")
        try canaries.add("key", secret)
        try folder.write("innocent", Fresh.text(50_000) + secret.prefix(16) + "…")
        #expect(canaries.search(folder).found == [])
        #expect(canaries.search(folder).files == 1)
        // A part that is as long as two pieces holds a whole one, wherever it begins.
        let part = Array(secret.utf8.dropFirst(21).prefix(23))
        for offset in 0..<3 {
            for (form, bytes) in Canaries.forms(of: part) where form != "in base64" {
                let text = String(repeating: "\u{0}é", count: offset) + String(decoding: bytes, as: UTF8.self)
                #expect(canaries.found(in: text).contains("key \(form)"))
            }
            let base64 = Canaries.base64(Array(repeating: 0x41, count: offset) + part, offset: 0)
            #expect(canaries.found(in: base64) == ["key in base64"])
        }
        try folder.makeFolder("deep")
        try folder.write("deep/planted", "\u{0}\u{1}before \(secret) after")
        let found = canaries.search(folder)
        #expect(found.files == 2)
        #expect(found.found == ["\(folder("deep/planted")): key in clear"])
        #expect(canaries.search(folder, exempt: ["planted"]).found == [])
    }

    @Test func `no secret shows in an answer, a log, a file or what a command says`() throws {
        let scene = try CanaryScene()
        try makeSecrets(scene)
        try comeInByEveryWay(scene)
        try goWrong(scene)
        try breakTheFile(scene)
        try runEveryCommand(scene)
        try reloadWith(scene, format: "text")
        try comeInByEveryWay(scene)
        try readConcurrently(scene)
        try expectEveryStatus(scene)
        scene.gate.process.send(SIGTERM)
        #expect(try scene.gate.process.waitForExit() == 0)
        try expectNothingShows(scene)
    }

    @Test(arguments: [SIGABRT, SIGSEGV], ["enable=no", "enable=yes"])
    func `no secret shows when the process crashes`(signal: Int32, backtrace: String) throws {
        let scene = try CanaryScene(environment: ["SWIFT_BACKTRACE=\(backtrace),color=no"])
        try makeSecrets(scene)
        // What was just read is still in its buffers, and some of it belongs to requests that go on.
        var held: [Connection] = []
        for (_, credential) in scene.credentials.withLock({ $0 }) {
            let connection = try scene.gate.connect()
            try connection.send(
                scene.gate.request("GET", "/up/stream", fields: ["Authorization: Bearer \(credential)"]))
            #expect(try connection.readResponseHead().status == 200)
            held.append(connection)
        }
        let process = scene.gate.process
        try process.crash(signal)
        try waitUntil("the end, or a backtrace", within: 120) {
            process.exitCode != nil || process.errors.contains("Backtrace took")
        }
        // Why: whoever faults does so again once the backtrace is out; a signal that was sent does not.
        if backtrace == "enable=yes" { process.send(SIGKILL) }
        let code = try process.waitForExit()
        #expect(code == 128 + signal || backtrace == "enable=yes" && code == 128 + SIGKILL)
        // Why either: a program that brings its runtime along may find no tool that makes backtraces.
        let saysSo = process.errors.contains("crashed") || process.errors.contains("swift-backtrace")
        #expect(saysSo == (backtrace == "enable=yes"))
        try expectNothingShows(scene)
    }

    // MARK: - Ways

    /// Secrets that the gate itself makes or is given to keep.
    private func makeSecrets(_ scene: CanaryScene) throws {
        let login = "{\"username\": \"ann\", \"password\": \"\(scene.password)\"}"
        try scene.make("session", "token", "POST", "/login/session", body: login)
        try scene.make("JWT of login", "access_token", "POST", "/login/jwt", body: login)
        let password = Fresh.text(40)
        try scene.canaries.add("password of another", password, shown: 0)
        let bob = "{\"username\": \"bob\", \"password\": \"\(password)\"}"
        try scene.make("JWT of register", "access_token", "POST", "/register", body: bob)
        try scene.ask("POST", "/register", ["Content-Type: application/json"], body: bob)
        try scene.make(
            "generated key", "api_key", "POST", "/generate",
            body: "{\"username\": \"carol\", \"telegram_id\": 7}")
        let stored = Fresh.text(48, prefix: "sk-or-v1-")
        try scene.canaries.add("stored upstream key", stored)
        let session = try #require(scene.credentials.withLock { $0.first { $0.name == "session" } })
        let answer = try scene.ask(
            "POST", "/set_api_key",
            ["Authorization: Bearer \(session.text)", "Content-Type: application/json"],
            body: "{\"model_name\": \"gpt\", \"api_key\": \"\(stored)\"}")
        #expect(answer.hasPrefix("HTTP/1.1 200"), "\(answer)")
        let short = "{\"model_name\": \"gpt\", \"api_key\": \"\(stored.dropLast(30))\"}"
        let refused = try scene.ask(
            "POST", "/set_api_key",
            ["Authorization: Bearer \(session.text)", "Content-Type: application/json"], body: short)
        #expect(refused.hasPrefix("HTTP/1.1 4"), "\(refused)")
    }

    private static let paths = [
        "/up/v1/chat/completions", "/up/500", "/up/odd", "/up/gone", "/up/cut", "/up/late", "/nobody/x",
        "/small/x", "/few/x", "/strict/x", "/detail/x", "/webscout/x", "/get/x", "/nowhere", "/up/%2e%2e/x",
        "/me", "/protected", "/api_keys", "/validate", "/login/jwt",
    ]

    private func comeInByEveryWay(_ scene: CanaryScene) throws {
        let ways: [(String) -> [String]] = [
            { ["Authorization: Bearer \($0)"] }, { ["authorization: \($0)"] }, { ["X-Api-Key: \($0)"] },
            { ["api-key: \($0)"] }, { ["Authorization: Basic \($0)"] },
            { ["Authorization: Bearer \($0)", "X-Api-Key: other\($0)"] },
            { ["Authorization: Bearer \($0)x"] }, { ["Cookie: token=\($0)", "Proxy-Authorization: \($0)"] },
        ]
        // Why by turns: each credential goes by each way, and each path sees every kind of both.
        let credentials = scene.canaries.secrets.map(\.text)
        for (index, credential) in credentials.enumerated() {
            for (turn, way) in ways.enumerated() {
                for (place, path) in Self.paths.enumerated() where (index + turn + place) % 4 == 0 {
                    try scene.ask("POST", path, way(credential), body: "{\"prompt\": \"a long enough body\"}")
                }
            }
        }
    }

    /// Requests that are no requests, and bodies that are not what an action expects.
    private func goWrong(_ scene: CanaryScene) throws {
        for (_, secret) in scene.canaries.secrets {
            for line in [
                "Authorization : Bearer \(secret)", "Authorization: Bearer \(secret)\u{1}",
                " folded: \(secret)",
                "Authorization Bearer \(secret)", "Content-Length: \(secret)", "Transfer-Encoding: \(secret)",
                "Host: \(secret)@x", "Expect: \(secret)", "Upgrade: \(secret)",
                "X-Long: \(secret)\(String(repeating: "x", count: 70_000))",
            ] {
                try scene.sendAnyway("GET /up/x HTTP/1.1\r\n\(line)\r\nHost: a\r\nConnection: close\r\n\r\n")
            }
            try scene.sendAnyway("GET /up/x HTTP/9.9 \(secret)\r\n\r\n")
            try scene.sendAnyway("\(secret)\r\n\r\n")
            for path in ["/login/session", "/login/jwt", "/register", "/generate", "/validate"] {
                for (kind, body) in [
                    ("application/json", "{\"username\": \"ann\", \"password\": \"\(secret)"),
                    ("application/json", "{\"username\": \"ann\", \"password\": \"\(secret)\"}"),
                    ("application/json", "{\"username\": \"ann\", \"password\": [\"\(secret)\"]}"),
                    ("application/x-www-form-urlencoded", "username=ann&password=%zz\(secret)"),
                    ("application/x-www-form-urlencoded", "username=ann&password=\(secret)"),
                    ("text/plain", secret),
                ] {
                    try scene.ask("POST", path, ["Content-Type: \(kind)"], body: body)
                }
            }
        }
    }

    /// A file that is wrong in many ways, with the secrets in it.
    private func breakTheFile(_ scene: CanaryScene) throws {
        let upstream = scene.upstream.url
        // Why every other: each check is a process, and secrets come in few forms.
        for (place, (_, secret)) in scene.canaries.secrets.enumerated() where place % 2 == 0 {
            for more in [
                "unknown_secret: \(secret)", "unknown: { api_key: \(secret) }", "x_token: [\(secret)",
                "process: { workers: 1, password: \"\(secret)\" }",
            ] {
                let config = CanaryScene.config(upstream: upstream, vault: scene.vault, more: more)
                try reloadInVain(scene, config)
            }
            // Why not for all: what could be a variable's name is told as one that is not set.
            let isName = secret.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
            let names = [
                ("secret: { env: JWT_SECRET }", "secret: { env: \"\(secret)\" }"),
                ("Bearer ${UPSTREAM_KEY}", "Bearer ${\(secret)}"),
            ]
            let values = [
                ("secret: { env: JWT_SECRET }", "secret: \(secret), secret: { env: JWT_SECRET }"),
                ("encryption_key: { env: MASTER_KEY }", "encryption_key: \"\(secret)!\""),
                ("encryption_key: { env: MASTER_KEY }", "encryption_key: { file: { api_key: \(secret) } }"),
                ("Bearer ${UPSTREAM_KEY}", "Bearer \(secret)\\u0007"),
            ]
            for (right, wrong) in isName ? values : values + names {
                let config = CanaryScene.config(upstream: upstream, vault: scene.vault)
                try #require(config.contains(right))
                try reloadInVain(scene, config.replacing(right, with: wrong))
            }
        }
        try reloadWith(scene, format: "json")
    }

    private func reloadInVain(_ scene: CanaryScene, _ config: String) throws {
        try scene.gate.edit(config)
        let check = try scene.gate.headgate("check", scene.gate.folder(Gate.configName))
        #expect(check.code != 0, "a broken file passes")
        _ = try scene.gate.headgate("check", scene.gate.folder(Gate.configName), "--json")
        #expect(try scene.gate.reload().code != 0)
    }

    private func reloadWith(_ scene: CanaryScene, format: String) throws {
        let config = CanaryScene.config(upstream: scene.upstream.url, vault: scene.vault, format: format)
        try scene.gate.reconfigure(config)
    }

    // MARK: - Commands

    private func runEveryCommand(_ scene: CanaryScene) throws {
        let (gate, config) = (scene.gate, scene.gate.folder(Gate.configName))
        let works = [
            ["check"], ["token", "list"], ["user", "list"], ["apikey", "list"], ["db", "check"],
            ["status", "--admin", gate.adminPath],
        ]
        for words in works.flatMap({ [$0, $0 + ["--json"]] }) + [["db", "backup", gate.folder("backup.db")]] {
            let result = try run([Gate.program] + words + ["-c", config], in: gate.folder)
            #expect(result.code == 0, "\(words): \(result.output)\(result.errors)")
        }
        for words in [["token", "revoke", "sk-nobody"], ["apikey", "revoke", "hg_nobody"]] {
            #expect(try run([Gate.program] + words + ["-c", config], in: gate.folder).code != 0)
        }
        // Whoever gives all of it where its beginning would do is not shown it either.
        for (_, credential) in scene.credentials.withLock({ $0 }) {
            for verb in ["token", "apikey"] {
                _ = try run([Gate.program, verb, "revoke", credential + "x", "-c", config], in: gate.folder)
            }
        }
        #expect(try gate.headgate("schema").code == 0)
        for verb in Verb.allCases {
            #expect(try gate.headgate(verb.rawValue, "--help").code == 0)
        }
        #expect(gate.folder.exists("backup.db"))
    }

    /// The store while it is open: what `sqlite3` of somebody else sees.
    private func readConcurrently(_ scene: CanaryScene) throws {
        let dump = try run(["sqlite3", scene.gate.folder("app.db"), ".dump"], in: scene.gate.folder)
        #expect(dump.code == 0, "\(dump.errors)")
        #expect(dump.output.contains("ann"))
    }

    // MARK: - Judgement

    /// The ways did lead to where they should.
    private func expectEveryStatus(_ scene: CanaryScene) throws {
        let transcript = String(decoding: scene.transcript.withLock { $0 }, as: UTF8.self)
        for status in [200, 400, 401, 403, 404, 405, 413, 429, 431, 500, 502, 504] {
            #expect(transcript.contains("HTTP/1.1 \(status) "), "no answer has the status \(status)")
        }
        let log = scene.gate.folder.read("access.log")
        for code in [
            "invalid_api_key", "conflicting_credentials", "rate_limit_exceeded", "request_too_large",
        ] {
            #expect(log.contains(code), "no record has the code \(code)")
        }
    }

    private func expectNothingShows(_ scene: CanaryScene) throws {
        let gate = scene.gate
        #expect(scene.canaries.found(in: scene.transcript.withLock { $0 }) == [])
        let result = scene.canaries.search(gate.folder, exempt: [Gate.configName, "first.yaml"])
        #expect(result.found == [])
        #expect(result.files > 5)
        #expect(!gate.folder.exists("core"))
        #expect(gate.folder.exists("app.db"))
        #expect(!gate.folder.read("access.log").isEmpty)
        // What goes upstream is for upstreams: their own key, and nobody else's.
        for request in scene.upstream.requests {
            let shows = scene.canaries.found(in: request.headText)
            #expect(shows.allSatisfy { $0.hasPrefix(CanaryScene.upstreamKeyName) }, "\(request.headText)")
        }
    }
}
