import Testing

@testable import Config

/// `config.example.yaml` is a working file, and its commented half a second one that shows every key.
@Suite struct ExampleTests {
    static let environment = [
        "OPENAI_API_KEY": "canary", "GATEWAY_API_KEY": "canary", "JWT_SECRET": "canary",
        "HEADGATE_MASTER_KEY": "canary", "OLD_MASTER_KEY": "canary", "TENANT_KEY": "canary",
        "HEADGATE_ADMIN_TOKEN": "canary",
        "OPENROUTER_API_KEY": "canary", "ANTHROPIC_KEY_A": "canary", "ANTHROPIC_KEY_B": "canary",
        "OTLP_API_KEY": "canary", "WEBSCOUT_API_KEY": "canary",
    ]

    static func example() throws -> String {
        let bytes = try #require(Files.read(Files.repository + "/config.example.yaml"))
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The lines that begin with `# ` behind the first `##`, without that.
    static func commentedHalf() throws -> String {
        let lines = try example().split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0.hasPrefix("## ") })
        return lines[start...].filter { $0.hasPrefix("# ") }.map { $0.dropFirst(2) + "\n" }.joined()
    }

    /// Key paths of a tree, names and indices left out: `routes[].cors.max_age`.
    static func keys(of node: Node, schema: JSONText, at path: String = "") -> Set<String> {
        var found: Set<String> = []
        switch node.kind {
        case .scalar: break
        case .sequence(let items):
            for item in items { found.formUnion(keys(of: item, schema: schema, at: path)) }
        case .mapping(let entries):
            for entry in entries {
                let known = SchemaWalk.paths(schema).contains(path + "." + entry.key)
                let next = path + (known ? "." + entry.key : "")
                found.insert(next)
                found.formUnion(keys(of: entry.value, schema: schema, at: next))
            }
        }
        return found
    }

    @Test func `the example is valid without a warning`() throws {
        let result = read(try Self.example())
        #expect(result.diagnostics.isEmpty, "\(renderReport(result.diagnostics))")
        let config = try #require(result.config)
        #expect(config.listeners[0].bind == .ip(host: "127.0.0.1", port: 8000))
        #expect(config.upstreams[0].endpoints[0].url.authority == "127.0.0.1:8090")
        #expect(config.auth[0].mode == .none(allowOpen: false, ignoreCredentials: true))
    }

    @Test func `a real upstream is two lines away`() throws {
        let text = try Self.example()
            .replacing("mock: http://127.0.0.1:8090/v1 ", with: "mock: https://api.openai.com/v1 ")
            .replacing("    # request_headers:", with: "    request_headers:")
        let result = read(text, environment: Self.environment)
        #expect(result.diagnostics.isEmpty, "\(renderReport(result.diagnostics))")
        let route = try #require(result.config).routes[0]
        #expect(route.requestHeaders.set == [.init(name: "Authorization", value: .literal("Bearer canary"))])
    }

    @Test func `the commented half is a valid file of its own`() throws {
        let result = read(try Self.commentedHalf(), environment: Self.environment)
        #expect(result.config != nil, "\(renderReport(result.diagnostics))")
        #expect(result.diagnostics.isEmpty, "\(renderReport(result.diagnostics))")
    }

    @Test(arguments: Files.names(in: Files.repository + "/examples", suffix: ".yaml"))
    func `a file to begin with is valid without a warning`(_ name: String) throws {
        let bytes = try #require(Files.read(Files.repository + "/examples/" + name))
        let result = read(String(decoding: bytes, as: UTF8.self), environment: Self.environment)
        #expect(result.diagnostics.isEmpty, "\(renderReport(result.diagnostics))")
    }

    /// The block of YAML on the first page that begins so.
    static func block(_ start: String) throws -> String {
        let page = String(decoding: try #require(Files.read(Files.repository + "/README.md")), as: UTF8.self)
        let blocks = page.split(separator: "```yaml\n").dropFirst().compactMap {
            $0.split(separator: "```").first
        }
        return String(try #require(blocks.first { $0.hasPrefix(start) }))
    }

    @Test func `the auth that the first page shows is valid without a warning`() throws {
        let block = try Self.block("stores:\n")
        let head = "version: 1\nlisteners: { l: 127.0.0.1:1 }\nupstreams: { openai: http://127.0.0.1:2 }\n"
        let result = read(head + block, environment: Self.environment)
        #expect(result.diagnostics.isEmpty, "\(renderReport(result.diagnostics))")
        #expect(try #require(result.config).auth.count == 6)
    }

    @Test func `the limits that the first page shows are valid without a warning`() throws {
        let block = try Self.block("stores: {")
        let head =
            "version: 1\nlisteners: { l: 127.0.0.1:1 }\nauth: { members: { mode: user-keys } }\n"
        let result = read(head + block, environment: Self.environment)
        #expect(result.diagnostics.isEmpty, "\(renderReport(result.diagnostics))")
        #expect(try #require(result.config).limits.count == 3)
    }

    @Test func `every key of the schema stands in the example`() throws {
        let schema = ConfigSchema.json()
        var shown: Set<String> = []
        for text in [try Self.example(), try Self.commentedHalf()] {
            let source = SourceText(file: "example", bytes: Array(text.utf8))
            shown.formUnion(Self.keys(of: try YAMLTree.build(source).root, schema: schema))
        }
        // Why: references to secrets are read by one form, and shown once.
        let references = ["env", "file", "credential"]
        let again = [
            ".routes.response_headers.set.", ".admin.token.", ".stores.encryption_key.", ".auth.secret.",
            ".stores.previous_encryption_keys.", ".upstreams.key.", ".upstreams.key.any_of.",
            ".upstreams.key.first_of.provision.key.", ".telemetry.headers.",
        ]
        let repeated = again.flatMap { path in references.map { path + $0 } }
        let wanted = SchemaWalk.paths(schema).subtracting(repeated)
        #expect(wanted.count > 120)
        #expect(wanted.subtracting(shown).sorted() == [])
    }

    /// What the fuzzer begins with has every key, good and bad.
    @Test func `the fuzzer begins with the examples and the broken files`() throws {
        let corpus = Files.repository + "/Tests/Fuzz/Corpus/Config/"
        #expect(Files.read(corpus + "example.yaml") == Array(try Self.example().utf8))
        #expect(Files.read(corpus + "every-key.yaml") == Array(try Self.commentedHalf().utf8))
        for name in Files.names(in: GoldensTests.folder, suffix: ".yaml") {
            let golden = try #require(Files.read(GoldensTests.folder + "/" + name))
            #expect(Files.read(corpus + name) == golden, "\(name)")
        }
    }

    @Test func `every default of the schema is said in the example`() throws {
        let lines = try Self.commentedHalf().split(separator: "\n")
        for (path, value) in SchemaWalk.defaults(ConfigSchema.json()) {
            let key = path.split(separator: ".").last.map(String.init) ?? path
            let written = MappingReaderDefault.text(value)
            let mentions = lines.contains { line in
                guard let range = line.firstRange(of: "\(key): ") else { return false }
                let rest = line[range.upperBound...]
                return rest.hasPrefix(written) || rest.contains("default: \(written)")
            }
            #expect(mentions, "\(path): default \(written)")
        }
    }
}

/// A default as YAML writes it in one line.
enum MappingReaderDefault {
    static func text(_ value: JSONText) -> String {
        switch value {
        case .string(let text): text
        case .array(let items): "[" + items.map(text).joined(separator: ", ") + "]"
        case .null, .bool, .number, .object: value.text()
        }
    }
}
