import Testing

@testable import Config

/// `--set`.
@Suite struct ConfigSettingTests {
    private static let file = """
        version: 1
        listeners: { public: 127.0.0.1:1, local: { bind: 127.0.0.1:2 } }
        auth: { open: { mode: none } }
        models: { gpt-4: { max_output: 1 }, gpt-4.1: { max_output: 2 } }
        upstreams: { up: http://u.example }
        routes:
          - { path: /a, auth: [open], to: up }
          - { path: /b, auth: open, to: up }
        """

    private func read(
        _ settings: String..., text: String = file
    ) throws -> (config: GatewayConfig?, diagnostics: [Diagnostic]) {
        let parsed = ConfigDocument.parse(
            Array(text.utf8), file: "f.yaml", settings: try settings.map { try #require(ConfigSetting($0)) })
        return parsed.document?.read { $0 == "PORT" ? "7" : nil } ?? (nil, parsed.diagnostics)
    }

    @Test func `a value is typed by its looks, and variables are filled in`() throws {
        let config = try #require(
            try read(
                "listeners.public=127.0.0.1:${PORT}", "listeners.local.max_connections=5",
                "routes[0].auth=open", "routes.1.path=/c=d"
            ).config)
        #expect(config.listeners[0].bind == .ip(host: "127.0.0.1", port: 7))
        #expect(config.listeners[1].maxConnections == 5)
        #expect(config.routes[1].path == .exact("/c=d"))
    }

    @Test func `the longest key that fits is meant`() throws {
        let config = try #require(
            try read("models.gpt-4.1.max_output=9", "models.gpt-4.max_output=8").config)
        #expect(config.models.map(\.maxOutput) == [8, 9])
    }

    @Test func `what is not there is added, and the last of two holds`() throws {
        let config = try #require(
            try read("process.workers=3", "process.workers=4", "access_log=off").config)
        #expect(config.process.workers == 4 && config.accessLog == nil)
    }

    @Test(arguments: ["", "a", "=a", "a\n=b", "a=b\u{2028}c", "a=\0"])
    func `what is no setting is none`(text: String) {
        #expect(ConfigSetting(text) == nil)
    }

    @Test(arguments: [
        ("listeners.public.bind=x", 1, "`listeners.public` is a single value, it has nothing below it"),
        ("listeners=x", 1, "`listeners` is a mapping; a single value can be set alone"),
        ("routes[2].auth=x", 1, "`routes` has 2 entries, from 0; there is no 2"),
        ("routes.x.auth=x", 1, "`routes` is a list: an entry is `routes[0]`, from 0"),
        ("routes[-1].auth=x", 1, "`routes` is a list: an entry is `routes[0]`, from 0"),
        ("listeners..bind=x", 1, "a key is missing in the path"),
        ("listeners.=x", 1, "a path is keys with points between, such as `listeners.public.bind`"),
        ("routes[0]auth=x", 1, "a path is keys with points between, such as `listeners.public.bind`"),
        ("listeners.public=x", 18, "`listeners.public.bind` must be an address"),
        ("listners.public=x", 1, "unknown key `listners`"),
        ("routes[0].path=", 16, "`routes[0].path` must be"),
    ])
    func `what is wrong is told at its place`(setting: String, column: Int, message: String) throws {
        for text in [Self.file, Self.file + "\n", Self.file + "\n\n# end"] {
            let result = try read("log_level=info", setting, text: text)
            #expect(result.config == nil)
            let first = try #require(result.diagnostics.first { $0.severity == .error })
            #expect(first.file == "--set" && first.line == 2 && first.column == column, "\(first)")
            #expect(first.message.hasPrefix(message), "\(first.message)")
            #expect(first.excerpt == setting)
        }
    }

    @Test func `a path is not deeper than the file may be`() throws {
        let result = try read(String(repeating: "a.", count: 60_000) + "b=1")
        #expect(result.diagnostics.map(\.message) == ["nested deeper than 64 levels"])
    }

    @Test func `what is wrong with the file stays where it is`() throws {
        let result = try read("log_level=info", text: Self.file + "\nkex: 1")
        #expect(result.diagnostics.map(\.file) == ["f.yaml"] && result.diagnostics[0].line == 9)
        let broken = try read("log_level=info", text: "version: [1")
        #expect(broken.diagnostics.map(\.file) == ["f.yaml"])
    }

    @Test func `a secret is masked`() throws {
        let result = try read("upstreams.up.key=sk-canary-0123456789\u{1}")
        #expect(!renderReport(result.diagnostics).contains("canary"))
    }
}
