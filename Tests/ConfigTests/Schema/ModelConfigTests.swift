import Testing

@testable import Config

@Suite struct ModelConfigTests {
    @Test func `models are read in file order, whatever they are called`() throws {
        let models = try config(
            """
            version: 1
            models:
              openai/gpt-oss-20b:free: { max_output: 128k, price: { input: 0.25, output: 2.00, cached_input: 0.025 } }
              Llama 3: { price: { input: 0, output: 10000 } }
              "*": {}
            """
        ).models
        #expect(
            models == [
                ModelConfig(
                    name: "openai/gpt-oss-20b:free", maxOutput: 128_000,
                    price: ModelPriceConfig(
                        input: 250_000_000, output: 2_000_000_000, cachedInput: 25_000_000)),
                ModelConfig(
                    name: "Llama 3", maxOutput: nil,
                    price: ModelPriceConfig(input: 0, output: 10_000_000_000_000, cachedInput: 0)),
                ModelConfig(name: "*", maxOutput: nil, price: nil),
            ])
    }

    @Test func `cached tokens cost what others do, unless told otherwise`() throws {
        let models = try config("version: 1\nmodels: { a: { price: { input: 3, output: 4 } } }\n").models
        #expect(models[0].price?.cachedInput == 3_000_000_000)
    }

    @Test func `an entry says where to, in long or in short`() throws {
        let models = try config(
            """
            version: 1
            upstreams: { u: http://u, v.1: http://v }
            models:
              "gpt-*": u
              gpt-4: v.1/openai/gpt-5 mini
              "local/*": { upstream: u, strip_prefix: true, max_output: 8k }
              fast: { first_of: [u/a, v.1, u/b] }

            """
        ).models
        #expect(
            models.map(\.targets) == [
                [.init(upstream: "u")], [.init(upstream: "v.1", model: "openai/gpt-5 mini")],
                [.init(upstream: "u")],
                [
                    .init(upstream: "u", model: "a"), .init(upstream: "v.1"),
                    .init(upstream: "u", model: "b"),
                ],
            ])
        #expect(models.map(\.stripPrefix) == [false, false, true, false])
        #expect(models.map(\.literalPrefix) == ["gpt-", "gpt-4", "local/", "fast"])
    }

    @Test(arguments: [
        ("u/", "upstream"), ("/m", "upstream"), ("'a b/c'", "upstream"), ("[u]", "upstream"),
        ("{ first_of: [] }", "first_of"), ("{ first_of: [u, u] }", "first_of[1]"),
        ("{ first_of: [u/] }", "first_of[0]"),
        ("{ upstream: u, first_of: [u/a] }", "first_of"), ("{ upstream: w }", "upstream"),
        ("{ first_of: [u, w/a] }", "first_of[1]"), ("{ strip_prefix: maybe }", "strip_prefix"),
        ("{ upstream: u, refuse: true }", "upstream"), ("{ first_of: [u], refuse: true }", "first_of"),
    ])
    func `a place that is none is refused`(_ text: String, _ key: String) {
        let file = "version: 1\nupstreams: { u: http://u }\nmodels: { 'a/*': \(text) }\n"
        let errors = read(file).diagnostics.filter { $0.severity == .error }.map(\.keyPath)
        #expect(errors == ["models.a/*.\(key)"] || errors == ["models.\"a/*\".\(key)"])
    }

    @Test func `an entry refuses what fits it`() throws {
        let models = try config("version: 1\nmodels: { '*/*': { refuse: true }, '*': {} }\n").models
        #expect(models.map(\.isRefused) == [true, false])
    }

    @Test(arguments: [
        ("gpt-*", "gpt-5", true), ("gpt-*", "gpt-", true), ("gpt-*", "gp", false), ("*", "", true),
        ("a*b*c", "abc", true), ("a*b*c", "a-b-b-c", true), ("a*b*c", "ac", false), ("a*a", "a", false),
        ("*-mini", "gpt-5-mini", true), ("*-mini", "gpt-5-mini2", false), ("a", "a", true),
        ("a", "ab", false),
    ])
    func `a star stands for anything`(_ pattern: String, _ name: String, _ fits: Bool) {
        #expect(ModelConfig(name: pattern, maxOutput: nil, price: nil).fits(name) == fits)
    }

    @Test(arguments: [
        "a: 5", "a: { max_output: 0 }", "a: { price: 5 }", "a: { price: { input: 1 } }",
        "a: { price: { input: 1, output: 10001 } }", "'': {}", "\"a\\nb\": {}",
    ])
    func `anything else is refused`(_ text: String) {
        #expect(read("version: 1\nmodels: { \(text) }\n").config == nil)
        let long = String(repeating: "a", count: 257)
        #expect(read("version: 1\nmodels: { ? \(long) : {} }\n").config == nil)
    }
}
