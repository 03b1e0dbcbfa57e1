import Testing

@testable import Config

@Suite struct ConfigDocumentTests {
    static let sketch = """
        version: 1
        listeners:
          public: { bind: "127.0.0.1:${PORT}", timeouts: { head: off } }
          local: "[0:0::1]:8001"
        auth:
          open: { mode: none }
        upstreams:
          mock: http://127.0.0.1:8090/v1/
          real: { endpoints: [https://api.example.com], timeouts: { total: 10m } }
        routes:
          - { path: /v1/**, auth: open, to: mock, methods: [GET, POST], timeouts: { idle: off } }
          - { path: /v2/**, auth: [open], to: real, listener: local }
          - { path: /health, auth: open, respond: { json: { status: ok } } }
        """

    @Test func `a file becomes a value with its defaults`() throws {
        let config = try config(Self.sketch, environment: ["PORT": "8000"])
        #expect(config.listeners.map(\.name) == ["public", "local"])
        #expect(config.listeners[0].bind == .ip(host: "127.0.0.1", port: 8000))
        #expect(config.listeners[0].timeouts.head == nil)
        #expect(config.listeners[0].timeouts.body == .seconds(60))
        #expect(config.listeners[1].bind == .ip(host: "::1", port: 8001))
        #expect(config.listeners[1].maxHeadBytes == 32768)
        #expect(config.upstreams[0].endpoints[0].url.basePath == "/v1")
        #expect(config.upstreams[1].timeouts.total == .seconds(600))
        #expect(config.routes[0].timeouts.idle == .some(nil))
        #expect(config.routes[0].timeouts.total == nil)
        #expect(config.routes[1].listeners == ["local"])
        #expect(config.routes[2].action == .respond(.init(status: 200, body: .json(#"{"status":"ok"}"#))))
        #expect(config.process.workers == nil)
        #expect(config.accessLog == .init(destination: .stdout, format: .json))
    }
}
