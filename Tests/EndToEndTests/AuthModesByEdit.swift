import Testing

@testable import CLI

/// Who may come in changes with the file, while whoever is in goes on.
@Suite(.scenario) struct AuthModesByEdit {
    private static let streamsPerStep = 4

    /// One way of coming in. The entry is always named `who`, so that an edit changes its meaning.
    private struct Step: Sendable {
        let name: String
        let who: String
        var stores = ""
        /// Makes the credential, when the file is about to be the one of this step. nil: none is wanted.
        var credential: @Sendable (Gate, Operator) throws -> String? = { _, _ in nil }
    }

    private static let steps = [
        Step(name: "none", who: "{ mode: none }"),
        Step(name: "env-key", who: "{ mode: env-key, variables: [CLIENT_KEY, OTHER_KEY] }") { gate, _ in
            let key = Fresh.text(40, prefix: "sk-")
            try gate.folder.replace("gate.env", with: "CLIENT_KEY=\(key)\n")
            return key
        },
        Step(name: "token-file", who: "{ mode: token-file, file: tokens.json }") { _, next in
            try next.createToken("web")
        },
        Step(
            name: "jwt",
            who: "{ mode: jwt, algorithms: [HS256], secret: { env: JWT_SECRET }, audience: headgate }"
        ) { gate, _ in
            let secret = Fresh.text(40)
            try gate.folder.replace("gate.env", with: "JWT_SECRET=\(secret)\n")
            let made = try Python.run(
                "make_jwt.py", "HS256", secret, "sub=caller", "aud=headgate", in: gate.folder)
            guard made.code == 0 else { throw Trouble(made.errors) }
            return made.output.split(separator: "\n").first.map(String.init)
        },
        Step(
            name: "user-keys", who: "{ mode: user-keys, store: main }", stores: "stores: { main: app.db }\n"
        ) { _, next in
            _ = try next.run("db", "init", "--no-admin")
            try next.addUser("ann")
            return try next.createKey(of: "ann")
        },
        Step(name: "none", who: "{ mode: none }"),
    ]

    @Test func `every mode comes by an edit and a reload, and no stream notices`() throws {
        let isEnding = Signal()
        let origin = try ScriptedUpstream.streaming("origin", until: isEnding)
        func config(_ step: Step) -> String {
            """
            env_file: gate.env
            upstreams: { origin: \(origin.url) }
            \(step.stores)auth: { who: \(step.who) }
            routes: [{ path: /**, auth: who, to: origin }]
            """
        }
        let folder = try Folder()
        try folder.write("gate.env", "")
        let gate = try Gate(config(Self.steps[0]), folder: folder)
        var streams: [Stream] = []
        var secrets: [String] = []
        for (index, step) in Self.steps.enumerated() {
            let text = config(step)
            let credential = try step.credential(gate, try gate.stage(text))
            try gate.reconfigure(text)
            try expectRightPeople(gate, step.name, credential, others: secrets)
            if let credential { secrets.append(credential) }
            guard index < Self.steps.count - 1 else { break }
            let fields = credential.map { ["Authorization: Bearer \($0)"] } ?? []
            streams += try (0..<Self.streamsPerStep).map {
                try Stream(gate, number: index * Self.streamsPerStep + $0, fields: fields)
            }
            for stream in streams { try stream.waitForEvents(stream.eventCount + 3) }
        }
        #expect(streams.count == 20)
        isEnding.open()
        for stream in streams { #expect(try stream.finish() == nil) }
        #expect(secrets.count == 4)
        expectNoCredential(origin.requests, secrets)
        #expect(try gate.sum("exchanges_running") == 0)
    }

    /// - Parameter others: credentials of steps before.
    private func expectRightPeople(_ gate: Gate, _ step: String, _ right: String?, others: [String]) throws {
        let wrong = [Fresh.text(40, prefix: "sk-"), Fresh.text(64, prefix: "hg_")] + others
        let ways: [(String) -> String] = [
            { "Authorization: Bearer \($0)" }, { "authorization: bearer \($0)" }, { "X-Api-Key: \($0)" },
            { "Api-Key: \($0)" },
        ]
        for way in right.map({ right in ways.map { [$0(right)] } }) ?? [[]] {
            let answer = try gate.exchange("POST", "/v1/chat/completions", fields: way, body: "x")
            #expect(answer.status == 200, "\(step), \(way)")
            #expect(answer.text == "origin", "\(step), \(way)")
        }
        for way in ways {
            for credential in wrong + (right.map { [tampered($0), $0 + "x", String($0.dropLast())] } ?? []) {
                try expectRefused(gate, step, [way(credential)])
            }
        }
        let first = right ?? wrong[0]
        try expectRefused(
            gate, step, ["Authorization: Bearer \(first)", "X-Api-Key: \(wrong[1])"],
            code: "conflicting_credentials")
        if right != nil { try expectRefused(gate, step, []) }
    }

    private func expectRefused(
        _ gate: Gate, _ step: String, _ fields: [String], code: String = "invalid_api_key"
    ) throws {
        let answer = try gate.exchange("POST", "/v1/chat/completions", fields: fields, body: "x")
        let about = Comment(rawValue: "\(step), \(fields): \(answer.text)")
        #expect(answer.status == 401, about)
        #expect(answer["www-authenticate"]?.hasPrefix("Bearer") == true, about)
        #expect(answer["content-type"]?.hasPrefix("application/json") == true, about)
        #expect(answer["x-request-id"] != nil, about)
        let error = try answer.json()["error"]
        #expect(error?["code"]?.stringValue == code, about)
        #expect(error?["type"]?.stringValue == "authentication_error", about)
        #expect(error?["param"] == .null, about)
        #expect(error?["message"]?.stringValue?.isEmpty == false, about)
    }

    /// Looks alike, and differs by one character in what is secret of it.
    private func tampered(_ credential: String) -> String {
        var characters = Array(credential)
        let place = characters.count - 10
        characters[place] = characters[place] == "0" ? "1" : "0"
        return String(characters)
    }

    private func expectNoCredential(_ requests: [Request], _ secrets: [String]) {
        #expect(requests.count > 20)
        for request in requests {
            for name in ["authorization", "proxy-authorization", "x-api-key", "api-key", "cookie"] {
                #expect(request[name] == nil, "\(request.headText)")
            }
            let whole = request.headText + request.text
            for secret in secrets { #expect(!whole.contains(secret), "\(whole)") }
        }
    }
}
