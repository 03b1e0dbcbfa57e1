import Testing

@testable import Proxy

private func entry(
    _ name: String, _ targets: (upstream: String, passesName: Bool)..., prefix: String = ""
) -> ModelCatalog.Entry {
    ModelCatalog.Entry(
        name: name, prefix: prefix,
        targets: targets.map { ModelCatalog.Target(upstream: $0.upstream, passesName: $0.passesName) })
}

private let lists = [
    "a": ["gpt-5", "gpt-5-mini", "o3", "gpt-5"].map { UpstreamModel(id: $0, created: 7) },
    "b": [UpstreamModel(id: "llama"), UpstreamModel(id: "gpt-5"), UpstreamModel(id: "org/qwen:free")],
]

private func ids(_ entries: ModelCatalog.Entry...) -> [String] {
    ModelCatalog(entries, since: 1).models { lists[$0] ?? [] }.map { "\($0.id) \($0.upstream)" }
}

@Suite struct ModelCatalogTests {
    @Test func `names of the file are listed, patterns are not`() {
        let found = ids(
            entry("gpt-4", ("a", false)), entry("fast", ("b", false), ("a", false)),
            entry("gpt-5", ("a", true)),
            entry("claude-*", ("c", true)))
        #expect(found == ["gpt-4 a", "fast b", "gpt-5 a"])
    }

    @Test func `what upstreams list is told where a pattern leads there, once, as they list it`() {
        #expect(ids(entry("*", ("a", true))) == ["gpt-5 a", "gpt-5-mini a", "o3 a"])
        #expect(
            ids(entry("gpt-*", ("a", true)), entry("*", ("b", true))) == [
                "gpt-5 a", "gpt-5-mini a", "llama b", "org/qwen:free b",
            ])
        #expect(
            ids(entry("*", ("b", true), ("a", true))) == [
                "llama b", "gpt-5 b", "org/qwen:free b", "gpt-5-mini a", "o3 a",
            ])
    }

    @Test func `what another entry fits better is not told of this one`() {
        #expect(ids(entry("*", ("a", true)), entry("gpt-*", ("c", true))) == ["o3 a"])
        #expect(
            ids(entry("*", ("a", true)), entry("gpt-5", ("c", true))) == [
                "gpt-5-mini a", "o3 a", "gpt-5 c",
            ])
    }

    @Test func `a beginning that is stripped on the way is put in front`() {
        let found = ids(entry("local/*", ("b", true), prefix: "local/"), entry("local/llama", ("b", false)))
        #expect(found == ["local/gpt-5 b", "local/org/qwen:free b", "local/llama b"])
        #expect(ids(entry("x*-mini", ("a", true), prefix: "x")) == ["xgpt-5-mini a"])
    }

    @Test func `what is refused is not told, and not of a wider pattern either`() {
        #expect(
            ids(entry("gpt-*"), entry("o3"), entry("*", ("a", true), ("b", true))) == [
                "llama b", "org/qwen:free b",
            ])
    }

    @Test func `of a pattern that is one model, nothing is told`() {
        let catalog = ModelCatalog([entry("gpt-*", ("a", false))], since: 1)
        #expect(catalog.listedUpstreams == [])
        #expect(catalog.models { lists[$0] ?? [] }.isEmpty)
    }

    @Test func `lists are wanted of those that patterns pass names to`() {
        let catalog = ModelCatalog(
            [
                entry("gpt-5", ("a", true)), entry("l*", ("b", true), ("c", false)),
                entry("*", ("d", true), ("b", true)),
            ], since: 1)
        #expect(catalog.listedUpstreams == ["b", "d"])
    }

    @Test func `a model was made when its upstream says so, else when the process began`() {
        let catalog = ModelCatalog([entry("x", ("a", true)), entry("*", ("a", true), ("b", true))], since: 1)
        let created = catalog.models { lists[$0] ?? [] }.map { "\($0.id) \($0.created)" }
        #expect(created == ["x 1", "gpt-5 7", "gpt-5-mini 7", "o3 7", "llama 1", "org/qwen:free 1"])
    }
}
