import Glibc
import Testing

@testable import CLI

/// The `openai` package and curl in front of a gate that asks for a key.
@Suite(.scenario) struct SDKAuthentication {
    private static let config = """
        env_file: gate.env
        upstreams: { up: "http://$MOCK/v1" }
        auth:
          shared: { mode: env-key, variables: CLIENT_KEY }
          strict: { mode: env-key, variables: CLIENT_KEY, reject_status: 403 }
          apps: { mode: token-file, file: tokens.json, max_stale: 0s }
        routes:
          - { path: /strict/v1/**, auth: strict, to: up, strip_prefix: /strict/v1 }
          - { path: /apps/v1/**, auth: apps, to: up, strip_prefix: /apps/v1 }
          - { path: /v1/**, auth: shared, to: up }
        access_log: $FOLDER/access.log
        """

    private let key = Fresh.text(40, prefix: "sk-")

    private func start(tokens: String = "{}") throws -> Gate {
        let (mock, folder) = (try Address.free(), try Folder())
        try folder.write("gate.env", "CLIENT_KEY=\(key)\n")
        try folder.write("tokens.json", tokens)
        return try Gate(
            Self.config.replacing("$MOCK", with: mock.authority), folder: folder,
            options: ["--mock", mock.authority])
    }

    private func run(_ scenario: String, _ gate: Gate, _ path: String, key: String) throws {
        let result = try Python.run(
            "authentication.py", scenario, "http://\(gate.address.authority)\(path)", key, in: gate.folder)
        #expect(result.code == 0, "\(scenario): \(result.output)\(result.errors)")
    }

    /// Statuses of the exchanges so far, once there are as many as expected.
    private func statuses(_ gate: Gate, count: Int) throws -> [Int] {
        try waitFor("\(count) records") {
            let found = try gate.records().compactMap { $0["status"]?.integerValue }
            return found.count >= count ? found : nil
        }
    }

    @Test func `the right key works, plain and streaming`() throws {
        let gate = try start()
        try run("admitted", gate, "/v1", key: key)
        try run("admitted", gate, "/strict/v1", key: key)
        #expect(try statuses(gate, count: 6) == Array(repeating: 200, count: 6))
    }

    @Test func `a wrong key is an AuthenticationError that is not asked again`() throws {
        let gate = try start()
        try run("wrong_key", gate, "/v1", key: Fresh.text(40, prefix: "sk-"))
        #expect(try statuses(gate, count: 2) == [401, 401])
    }

    @Test func `a wrong key is a PermissionDeniedError where the route says 403`() throws {
        let gate = try start()
        try run("forbidden", gate, "/strict/v1", key: Fresh.text(40, prefix: "sk-"))
        #expect(try statuses(gate, count: 2) == [403, 403])
    }

    @Test func `while the token file cannot be read nobody is told that a key is wrong`() throws {
        let (known, late) = (Fresh.hex(64), Fresh.hex(64))
        func entry(_ token: String) -> String {
            "\"sk-\(token)\": {\"name\": \"web\", \"created_at\": \"2026-01-01T00:00:00\", \"active\": true}"
        }
        let gate = try start(tokens: "{\(entry(known))}")
        try run("admitted", gate, "/apps/v1", key: "sk-\(known)")
        try run("wrong_key", gate, "/apps/v1", key: "sk-\(late)")
        try gate.folder.replace("tokens.json", with: "{ \"cut off")
        try waitUntil("the file to be in doubt") {
            try gate.exchange("GET", "/apps/v1/models", fields: ["X-Api-Key: sk-\(late)"]).status == 503
        }
        try run("in_doubt", gate, "/apps/v1", key: "sk-\(late)")
        try run("admitted", gate, "/apps/v1", key: "sk-\(known)")
        // The package asks again until the file is whole.
        let before = try gate.records().count
        let client = try ChildProcess(
            Python.command(
                "authentication.py", "patient", "http://\(gate.address.authority)/apps/v1", "sk-\(late)"),
            in: gate.folder)
        let refused = try statuses(gate, count: before + 2)
        #expect(refused[before...].allSatisfy { $0 == 503 })
        try gate.folder.replace("tokens.json", with: "{\(entry(known)), \(entry(late))}")
        #expect(try client.waitForExit(within: 40) == 0, "\(client.errors)")
    }

    @Test func `curl gets in by every header, and is told apart by none`() throws {
        let gate = try start()
        let wrong = Fresh.text(40, prefix: "sk-")
        func curl(_ field: String) throws -> (status: String, body: String) {
            let result = try EndToEndTests.run(
                [
                    "curl", "-sS", "-o", gate.folder("answer"), "-w", "%{http_code}", "-H", field,
                    "http://\(gate.address.authority)/v1/models",
                ], in: gate.folder)
            guard result.code == 0 else { throw Trouble("curl: \(result.errors)") }
            return (result.output, gate.folder.read("answer"))
        }
        for name in ["Authorization: Bearer ", "authorization: BEARER ", "x-api-key: ", "api-key: "] {
            let (right, refused) = (try curl(name + key), try curl(name + wrong))
            #expect(right.status == "200", "\(name)\(right.body)")
            #expect(right.body.contains("mock"))
            #expect(refused.status == "401", "\(name)\(refused.body)")
            #expect(try parseJSON(refused.body)["error"]?["code"] == "invalid_api_key")
        }
        // Without a scheme it is no bearer credential.
        #expect(try curl("Authorization: \(key)").status == "401")
    }
}
