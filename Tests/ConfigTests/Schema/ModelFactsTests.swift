import Testing

@testable import Config

@Suite struct `Entries that only say where to` {
    private let cheap = ModelPriceConfig(input: 1, output: 2, cachedInput: 1)
    private let dear = ModelPriceConfig(input: 10, output: 20, cachedInput: 10)

    private func entry(
        _ name: String, _ price: ModelPriceConfig? = nil, max: UInt64? = nil, to models: [String?] = []
    ) -> ModelConfig {
        ModelConfig(
            name: name, maxOutput: max, price: price,
            targets: models.map { ModelTargetConfig(upstream: "u", model: $0) })
    }

    private func filled(_ models: [ModelConfig]) -> [String] {
        ModelConfig.withFacts(models).map {
            "\($0.name) \($0.price == cheap ? "cheap" : $0.price == dear ? "dear" : "-") "
                + ($0.maxOutput.map(String.init) ?? "-")
        }
    }

    @Test func `have price and max_output of the pattern that would be theirs`() {
        #expect(
            filled([entry("gpt-*", to: [nil]), entry("*", dear, max: 9), entry("gpt*", cheap)])
                == ["gpt-* cheap 9", "* dear 9", "gpt* cheap -"])
    }

    @Test func `have those of the model that they lead to under another name first`() {
        #expect(
            filled([
                entry("fast", to: ["gpt-5-mini"]), entry("gpt-5-mini", cheap, max: 7),
                entry("*", dear, max: 9),
                entry("slow", to: ["unknown", "gpt-5-mini"]),
            ])[0] == "fast cheap 7")
    }

    @Test func `keep what they say themselves`() {
        #expect(
            filled([entry("a", cheap, to: [nil]), entry("*", dear, max: 9)]) == ["a cheap 9", "* dear 9"])
    }

    @Test func `are told apart from those that say nothing of where to`() {
        #expect(filled([entry("a"), entry("*", dear)]) == ["a - -", "* dear -"])
        #expect(filled([entry("a", to: [nil])]) == ["a - -"])
    }
}
