import Testing

@testable import Config

@Suite struct ModelChecksTests {
    static func problems(_ models: String, _ route: String = "to: models") -> [String] {
        let text = """
            version: 1
            listeners: { l: 127.0.0.1:1 }
            auth: { o: { mode: none } }
            upstreams: { u: http://127.0.0.1:2, v: http://127.0.0.1:3 }
            models: { \(models) }
            routes: [{ path: /a, auth: o, \(route) }, { path: /u, auth: o, to: u }, { path: /v, auth: o, to: v }]

            """
        return read(text).diagnostics.map { "\($0.severity) \($0.keyPath)" }
    }

    @Test func `a name that is near is meant`() {
        let text = "version: 1\nupstreams: { openai: http://u }\nmodels: { m: opnai/gpt }\n"
        let error = firstError(text)
        #expect(error?.keyPath == "models.m" && error?.hint == "did you mean `openai`?")
    }

    @Test func `models lead somewhere`() {
        #expect(Self.problems("m: u") == [])
        #expect(Self.problems("m: { max_output: 1k }") == ["error routes[0].to"])
        #expect(Self.problems("") == ["error routes[0].to"])
        // One mistake, one message.
        #expect(Self.problems("m: w") == ["error models.m"])
        #expect(Self.problems("m: u", "to: u") == ["warning models.m"])
        #expect(Self.problems("m: { max_output: 1k }", "to: u") == [])
    }

    @Test func `a list of models has some`() {
        #expect(Self.problems("m: { max_output: 1k }", "action: models") == ["warning routes[0].action"])
        #expect(Self.problems("m: u", "action: models") == ["warning models.m"])
    }

    @Test(arguments: [
        ("a: { upstream: u, strip_prefix: true }", true), ("'*a': { upstream: u, strip_prefix: true }", true),
        ("'a*': { strip_prefix: true }", true), ("'a*': { upstream: u/b, strip_prefix: true }", true),
        ("'a*': { first_of: [u, v/b], strip_prefix: true }", true),
        ("'a*': { upstream: u, strip_prefix: true }", false),
        ("'a*': { first_of: [u, v], strip_prefix: true }", false),
        ("a: { upstream: u/b, strip_prefix: false }", false),
    ])
    func `a prefix is removed where there is one`(_ model: String, _ isWrong: Bool) {
        let errors = Self.problems("x: u, " + model).filter { $0.hasPrefix("error") }
        #expect(errors.count == (isWrong ? 1 : 0))
        #expect(errors.allSatisfy { $0.hasSuffix(".strip_prefix") })
    }

    @Test func `what is put into bodies needs an upstream, and a default leads somewhere`() {
        let keys = "default_model: m, default_temperature: 1, transform: none"
        let places = ["default_model", "default_temperature", "transform"].map { "error routes[0].\($0)" }
        #expect(Self.problems("", "respond: {}, " + keys) == places)
        #expect(Self.problems("", "to: u, " + keys) == [])
        #expect(Self.problems("m: u", "to: models, " + keys) == [])
        #expect(Self.problems("'m*': u", "to: models, " + keys) == [])
        #expect(Self.problems("n: u, 'm*': {}", "to: models, " + keys) == ["error routes[0].default_model"])
    }

    @Test func `an upstream that a model names is used, where models say where to`() {
        let text = """
            version: 1
            listeners: { l: 127.0.0.1:1 }
            auth: { o: { mode: none } }
            upstreams: { u: http://127.0.0.1:2, v: http://127.0.0.1:3 }
            models: { m: u/x }
            routes: [{ path: /a, auth: o, to: models }]

            """
        #expect(read(text).diagnostics.map(\.keyPath) == ["upstreams.v"])
    }

    @Test func `a body that is looked into for other reasons may have its bound`() {
        for route in ["to: models", "to: u, default_model: m", "to: u, transform: simple_chat"] {
            #expect(
                Self.problems("m: u", route + ", inspect_body: 1MiB").filter { $0.contains("routes") } == [])
        }
        #expect(
            Self.problems("", "to: u, inspect_body: 1MiB") == ["warning routes[0].inspect_body"])
    }
}
