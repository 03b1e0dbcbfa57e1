import Glibc
import Testing

@testable import CLI

/// The `openai` package for Python, as programs use it: the same through headgate as without it.
@Suite(.scenario) struct SDKStreams {
    private static let config = """
        upstreams: { up: "http://$MOCK/v1", nobody: "http://$NOBODY" }
        routes:
          - { path: /v1/method, methods: GET, auth: open, to: up }
          - { path: /v1/large, auth: open, max_body: 10KiB, to: up }
          - { path: /v1/credential, auth: strict, to: up }
          - { path: /v1/unreachable, auth: open, to: nobody }
          - { path: /v1/nowhere, host: elsewhere, auth: open, to: up }
          - { path: "/v1/chat*", auth: open, to: up }
          - { path: "/v1/models*", auth: open, to: up }
          - { path: /v1/embeddings, auth: open, to: up }
        auth: { open: { mode: none, ignore_credentials: true }, strict: { mode: none } }
        access_log: $FOLDER/access.log
        """

    @Test(arguments: [
        "plain", "streaming_loop", "stream_usage", "async_streams", "errors_of_the_upstream",
        "errors_of_headgate",
        "embeddings", "models", "early_break", "cut_stream", "retries",
    ]) func `the package works`(scenario: String) throws {
        let (gate, mock) = try start()
        try run(scenario, gate)
        if scenario == "retries" {
            #expect(try counts(mock)["requests"] == 4, "this one, and one for each attempt of the client")
        }
        if scenario == "early_break" {
            try waitUntil("the upstream to be told three times") {
                try counts(mock)["answers_cancelled"] == 3
            }
        }
    }

    @Test func `a stream that the client ends at DONE is complete in the log`() throws {
        let (gate, _) = try start()
        try run("streaming_loop", gate)
        let streams = try waitFor("all records") { () -> [MockJSON]? in
            let records = try gate.records()
            return records.count == 4 ? records : nil
        }
        for record in streams {
            #expect(record["outcome"] == "complete")
            #expect(record["fault"] == "none")
        }
    }

    private func start() throws -> (Gate, Address) {
        let (mock, nobody) = (try Address.free(), try Address.free())
        let config = Self.config.replacing("$MOCK", with: mock.authority).replacing(
            "$NOBODY", with: nobody.authority)
        return (try Gate(config, options: ["--mock", mock.authority]), mock)
    }

    private func run(_ scenario: String, _ gate: Gate) throws {
        let result = try Python.run(
            "scenario.py", scenario, "http://\(gate.address.authority)/v1", in: gate.folder)
        #expect(result.code == 0, "\(result.output)\(result.errors)")
    }

    private func counts(_ mock: Address) throws -> MockJSON {
        let connection = try Connection(to: mock)
        defer { connection.close() }
        try connection.send("GET /mock/counts HTTP/1.1\r\nHost: mock\r\nConnection: close\r\n\r\n")
        return try connection.readResponse().json()
    }
}
