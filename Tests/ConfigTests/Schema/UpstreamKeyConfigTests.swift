import Testing

@testable import Config

@Suite struct UpstreamKeyConfigTests {
    static let environment = ["A": "canary-a", "B": "canary-b"]

    static func upstream(_ text: String) throws -> UpstreamConfig {
        try UpstreamConfigTests.upstream(text, environment: environment)
    }

    /// Errors and warnings of a file with this key, where stores are `main` and `sealed`, which cannot be
    /// written.
    static func problems(_ key: String, environment: [String: String] = environment) -> [String] {
        let text = """
            version: 1
            listeners: { l: 127.0.0.1:1 }
            stores: { main: { sqlite: m.db, at_rest: plain }, sealed: s.db }
            auth: { s: { mode: user-keys, store: sealed }, m: { mode: user-keys, store: main } }
            upstreams: { a: { url: http://b, key: \(key) } }
            routes: [{ path: /a, auth: [s, m], to: a }]

            """
        let diagnostics = read(text, environment: environment).diagnostics
        let report = renderReport(diagnostics)
        #expect(!report.contains("canary") && !report.contains("s3cret"), "\(report)")
        return diagnostics.map { "\($0.severity) \($0.keyPath)" }
    }

    @Test(arguments: [
        ("abc", TextSource.literal("abc")), ("'${A}'", .literal("canary-a")),
        ("{ env: A }", .environment("A")),
        ("{ file: f }", .file("f")), ("{ credential: c }", .credential("c")), ("123", .literal("123")),
    ])
    func `one key is text or a reference`(_ text: String, _ source: TextSource) throws {
        let upstream = try Self.upstream("key: \(text)")
        #expect(upstream.key == .one(source) && upstream.keyField == .bearer)
    }

    @Test func `the field of a key is one of three`() throws {
        for (text, field, name) in [
            ("bearer", KeyFieldConfig.bearer, "authorization"), ("x-api-key", .xAPIKey, "x-api-key"),
            ("api-key", .apiKey, "api-key"),
        ] {
            let upstream = try Self.upstream("key: k, key_field: \(text)")
            #expect(upstream.keyField == field && field.fieldName == name)
        }
        #expect(UpstreamConfigTests.errors("key_field: bearer") == ["upstreams.a.key_field"])
        #expect(UpstreamConfigTests.errors("key: k, key_field: basic") == ["upstreams.a.key_field"])
    }

    @Test func `several keys have weights`() throws {
        let key = try Self.upstream("key: { any_of: [{ env: A }, { file: b, weight: 2 }, c] }").key
        #expect(
            key
                == .anyOf([
                    .init(source: .environment("A")), .init(source: .file("b"), weight: 2),
                    .init(source: .literal("c")),
                ]))
    }

    @Test func `a chain has its sources in order, there or not`() throws {
        let text = """
            { first_of: [{ database: main }, { file: k }, { env: NOT_SET }, { credential: c }, { provision: { key: { env: \
            NOT_THERE } } }], remember: database, prefix: sk-or-v1-, min_length: 21 }
            """
        let chain = try #require(try Self.upstream("key: \(text)").key?.chain)
        let provision = ProvisionConfig(
            url: nil, key: .environment("NOT_THERE"), nameTemplate: "auto-{user8}-{time}", field: "key",
            timeout: .seconds(10))
        #expect(
            chain
                == KeyChainConfig(
                    sources: [
                        .database(store: "main"), .file("k"), .environment("NOT_SET"), .credential("c"),
                        .provision(provision),
                    ], remembers: true, prefix: "sk-or-v1-", lengthMin: 21))
        #expect(chain.store == "main" && chain.provision == provision)
    }

    @Test func `a chain has defaults`() throws {
        let chain = try #require(try Self.upstream("key: { first_of: [{ env: X }] }").key?.chain)
        #expect(
            chain
                == KeyChainConfig(sources: [.environment("X")], remembers: false, prefix: nil, lengthMin: 1))
        #expect(chain.store == nil && chain.provision == nil)
    }

    @Test func `how a key is made can be said`() throws {
        let text =
            "{ url: 'https://h/api/keys?a=b', key: { file: p }, name: 'x {time}', field: data.key, timeout: 1s }"
        let key = try Self.upstream("key: { first_of: [{ database: main }, { provision: \(text) }] }").key
        let provision = try #require(key?.chain?.provision)
        #expect(provision.url?.endpoint.host == "h" && provision.url?.target == "/api/keys?a=b")
        #expect(provision.key == .file("p") && provision.nameTemplate == "x {time}")
        #expect(provision.field == "data.key" && provision.timeout == .seconds(1))
    }

    @Test(arguments: [
        ("{ env: UNSET }", "env"), ("{ any_of: [{ env: UNSET }] }", "any_of[0].env"),
        ("{ any_of: [] }", "any_of"),
        ("{ any_of: [{ env: A, weight: 0 }] }", "any_of[0].weight"),
        ("{ any_of: [{ weight: 2 }] }", "any_of[0]"),
        ("{ first_of: [] }", "first_of"), ("{ first_of: [s3cret] }", "first_of[0]"),
        ("{ first_of: [{}] }", "first_of[0]"),
        ("{ first_of: [{ file: a, env: B }] }", "first_of[0].file"), ("{ env: A, prefix: x }", "prefix"),
        ("{ env: A, first_of: [{ env: B }] }", "first_of"),
        ("{ any_of: [{ env: A }], remember: database }", "remember"),
        ("[s3cret]", ""), ("''", ""), ("{ value: s3cret }", ""),
        ("{ first_of: [{ database: none }] }", "first_of[0].database"),
        ("{ first_of: [{ env: A }, { database: main }, { database: sealed }] }", "first_of[2]"),
        ("{ first_of: [{ env: A }, { env: A }] }", "first_of[1]"),
        ("{ first_of: [{ env: A }], remember: database }", "remember"),
        ("{ first_of: [{ database: main }], remember: database }", "remember"),
        ("{ first_of: [{ database: sealed }, { env: A }], remember: database }", "remember"),
        ("{ first_of: [{ provision: { key: { env: X } } }] }", "first_of[0]"),
        ("{ first_of: [{ database: main }, { provision: {} }] }", "first_of[1].provision"),
        ("{ first_of: [{ provision: { key: { env: X }, name: 'a {id}' } }] }", "first_of[0].provision.name"),
        (
            "{ first_of: [{ provision: { key: { env: X }, url: 'http://h/keys' } }] }",
            "first_of[0].provision.url"
        ),
        ("{ first_of: [{ env: A }], min_length: 0 }", "min_length"),
        ("{ first_of: [{ env: 's3cret!' }] }", "first_of[0].env"),
    ])
    func `what cannot be a key is refused at its place`(_ text: String, _ place: String) {
        let errors = Self.problems(text).filter { $0.hasPrefix("error") }
        let path = place.isEmpty ? "" : "." + place
        #expect(errors.first == "error upstreams.a.key\(path)", "\(errors)")
    }

    @Test func `a key in plain text, and keys that are lost, are warned about`() {
        #expect(Self.problems("s3cret") == ["warning upstreams.a.key"])
        #expect(Self.problems("'${A}'") == [])
        #expect(Self.problems("{ any_of: [{ env: A }, s3cret] }") == ["warning upstreams.a.key.any_of[1]"])
        let provision = { (rest: String) in
            "{ first_of: [{ database: main }, { provision: { key: \(rest) } }], remember: database }"
        }
        #expect(
            Self.problems(provision("s3cret")) == ["warning upstreams.a.key.first_of[1].provision.key"])
        #expect(Self.problems(provision("{ env: A }")) == [])
        #expect(
            Self.problems("{ first_of: [{ database: main }, { provision: { key: { env: A } } }] }") == [
                "warning upstreams.a.key.first_of[1]"
            ])
    }
}
