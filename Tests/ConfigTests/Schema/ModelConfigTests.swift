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
