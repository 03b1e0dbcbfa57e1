import Config
import Testing

@testable import CLI

/// LiteLLM's file in, ours out, part by part.
@Suite struct LiteLLMConversionTests {
    private func convert(_ text: String) throws -> (file: YAMLValue, losses: [String]) {
        let theirs = try YAMLValue.parse(Array(text.utf8), file: "theirs.yaml")
        let made = try LiteLLMConversion(theirs, name: "theirs.yaml")
        return (try YAMLValue.parse(Array(made.text.utf8), file: "ours.yaml"), made.losses)
    }

    private func models(_ list: String, _ more: String = "") throws -> (file: YAMLValue, losses: [String]) {
        try convert("model_list:\n\(list)\n\(more)\ngeneral_settings: { master_key: os.environ/MASTER }\n")
    }

    @Test(
        arguments: [
            ("openai/gpt-4o", "", "openai/gpt-4o", "https://api.openai.com/v1", "OPENAI_API_KEY"),
            ("gpt-4o", "", "openai/gpt-4o", "https://api.openai.com/v1", "OPENAI_API_KEY"),
            ("groq/llama-3", "api_key: os.environ/G", "groq/llama-3", "https://api.groq.com/openai/v1", "G"),
            (
                "openrouter/openai/gpt-5", "", "openrouter/openai/gpt-5", "https://openrouter.ai/api/v1",
                "OPENROUTER_API_KEY"
            ),
            (
                "azure/mine", "api_base: 'https://x.openai.azure.com/', api_version: '2024'", "azure/mine",
                "https://x.openai.azure.com/openai/v1", "AZURE_API_KEY"
            ),
            ("ollama/llama3", "", "ollama/llama3", "http://localhost:11434/v1", nil),
            (
                "hosted_vllm/meta/l", "api_base: 'http://v:8000/v1', api_key: none", "hosted_vllm/meta/l",
                "http://v:8000/v1", nil
            ),
            ("meta/l", "api_base: 'http://v:8000/v1'", "openai/meta/l", "http://v:8000/v1", nil),
            ("openai/l", "api_base: os.environ/BASE, api_key: os.environ/K", "openai/l", "${BASE}", "K"),
            (
                "l", "custom_llm_provider: mistral", "mistral/l", "https://api.mistral.ai/v1",
                "MISTRAL_API_KEY"
            ),
        ] as [(String, String, String, String, String?)])
    func `a model goes to its provider, by its own name there`(
        model: String, more: String, target: String, url: String, variable: String?
    ) throws {
        let (file, losses) = try models("- { model_name: m, litellm_params: { model: \(model), \(more) } }")
        #expect(losses == [])
        #expect(file["models"]?["m"]?.text == target)
        let upstream = try #require(file["upstreams"]?.members.first)
        #expect(target.hasPrefix(upstream.key))
        #expect((upstream.value["url"] ?? upstream.value).text == url)
        #expect(upstream.value["key"]?["env"]?.text == variable)
        #expect((upstream.value["key_field"]?.text == "api-key") == (upstream.key == "azure"))
    }

    @Test(arguments: [
        "anthropic/claude-x", "claude-x", "bedrock/y", "vertex_ai/z", "nobody/knows", "mistralai/mistral-7b",
        "hosted_vllm/without-base", "azure/without-base",
    ])
    func `what has no counterpart is left out and told`(model: String) throws {
        let (file, losses) = try models(
            """
            - { model_name: m, litellm_params: { model: openai/gpt } }
            - { model_name: other, litellm_params: { model: \(model) } }
            """)
        #expect(losses.count == 1 && losses[0].hasPrefix("model_list[1] (other): left out: "), "\(losses)")
        #expect(file["models"]?.members.map(\.key) == ["m"])
    }

    @Test func `several keys, several servers and several providers of one model`() throws {
        func many(_ entries: String...) throws -> (file: YAMLValue, losses: [String]) {
            try models(
                entries.map { "- { model_name: m, litellm_params: { \($0) } }" }.joined(separator: "\n"))
        }
        let keys = try many(
            "model: openai/x, api_key: os.environ/A", "model: openai/x, api_key: os.environ/B, weight: 2")
        #expect(keys.file["models"]?["m"]?.text == "openai/x" && keys.losses == [])
        let any = keys.file["upstreams"]?["openai"]?["key"]?["any_of"]?.items
        #expect(any?.map { $0["env"]?.text } == ["A", "B"] && any?[1]["weight"]?.integer == 2)
        let servers = try many(
            "model: hosted_vllm/x, api_base: 'http://a/v1'",
            "model: hosted_vllm/x, api_base: 'http://b/v1', weight: 3")
        let endpoints = servers.file["upstreams"]?["hosted_vllm"]?["endpoints"]?.items
        #expect(endpoints?[0].text == "http://a/v1" && endpoints?[1]["url"]?.text == "http://b/v1")
        #expect(endpoints?[1]["weight"]?.integer == 3 && servers.losses == [])
        let mixed = try many("model: openai/x", "model: groq/y")
        #expect(mixed.file["models"]?["m"]?["first_of"]?.items.map(\.text) == ["openai/x", "groq/y"])
        #expect(mixed.losses.count == 1 && mixed.losses[0].contains("in the order of the file"))
    }

    @Test func `patterns, aliases and fallbacks`() throws {
        let (file, losses) = try models(
            """
            - { model_name: "*", litellm_params: { model: openai/* } }
            - { model_name: groq/*, litellm_params: { model: groq/* } }
            - { model_name: gpt-*, litellm_params: { model: openai/gpt-* } }
            - { model_name: odd-*, litellm_params: { model: openai/x-* } }
            - { model_name: a, litellm_params: { model: openai/a } }
            - { model_name: b, litellm_params: { model: groq/b } }
            """,
            """
            router_settings: { model_group_alias: { old: a, older: { model: b }, none: nobody } }
            litellm_settings: { fallbacks: [ { a: [b, gone] }, { gone: [a] } ], default_fallbacks: [a] }
            """)
        let models = try #require(file["models"])
        #expect(models["*"]?.text == "openai" && models["gpt-*"]?.text == "openai")
        #expect(
            models["groq/*"]?["upstream"]?.text == "groq" && models["groq/*"]?["strip_prefix"] == .bool(true))
        #expect(models["a"]?["first_of"]?.items.map(\.text) == ["openai", "groq/b"])
        #expect(models["b"]?["first_of"]?.items.map(\.text) == ["groq", "openai/a"])
        #expect(models["old"]?["first_of"] == nil, "it falls back to what it is")
        #expect(models["old"]?.text == "openai/a" && models["older"]?["first_of"]?.items.count == 2)
        #expect(models["odd-*"] == nil && models["none"] == nil)
        #expect(losses.count == 4, "\(losses)")
    }

    @Test func `prices, limits, times and repetitions`() throws {
        let (file, losses) = try models(
            """
            - model_name: a
              litellm_params: { model: openai/a, rpm: 480, tpm: 20_000, timeout: 0.5, max_retries: 0 }
              model_info: { input_cost_per_token: 1.5e-07, output_cost_per_token: 0.0000006, max_output_tokens: 8192,
                            cache_read_input_token_cost: 7.5e-08, mode: chat }
            - { model_name: b, litellm_params: { model: groq/b, rpm: 480, tpm: 20_000 } }
            """,
            "litellm_settings: { num_retries: 3, request_timeout: 60, allowed_fails: 2, cooldown_time: 30 }")
        #expect(losses == [], "\(losses)")
        let price = file["models"]?["a"]?["price"]
        #expect(price?["input"]?.number == "0.15" && price?["output"]?.number == "0.6")
        #expect(
            price?["cached_input"]?.number == "0.075" && file["models"]?["a"]?["max_output"]?.integer == 8192)
        #expect(file["limits"]?["per-model"]?["requests_per_minute"]?.integer == 480)
        #expect(file["limits"]?["per-model"]?["tokens_per_minute"]?.integer == 20_000)
        let openai = file["upstreams"]?["openai"]
        #expect(
            openai?["timeouts"]?["first_byte"]?.text == "500ms" && openai?["retry"]?["attempts"]?.integer == 1
        )
        let groq = file["upstreams"]?["groq"]
        #expect(groq?["timeouts"]?["idle"]?.text == "60s" && groq?["retry"]?["attempts"]?.integer == 4)
        #expect(groq?["retry"]?["post"] == .bool(true) && groq?["health"]?["failures"]?.integer == 3)
        #expect(groq?["health"]?["eject"]?.text == "30s")
    }

    @Test(
        arguments: [
            ("0", "0"), ("1e-6", "1"), ("0.000001", "1"), ("1.5E-07", "0.15"), ("3e-05", "30"),
            ("0.00006", "60"),
            ("1e-15", "0.000000001"), ("1e-20", "0"), ("0.0099", "9900"), ("0.01", nil), ("1", nil),
            ("-1e-6", nil),
            ("x", nil), ("", nil), ("1e", nil), ("1e-6e", nil), ("1.2.3", nil), ("1e99", nil),
        ] as [(String, String?)])
    func `dollars for a token are dollars for a million`(text: String, dollars: String?) {
        #expect(LiteLLMText.perMillion(text) == dollars, "\(text)")
    }

    @Test func `a key that stood in clear gets a variable that nothing else has`() throws {
        let (file, losses) = try models(
            """
            - { model_name: a, litellm_params: { model: openai/a, api_key: sk-clear-one } }
            - { model_name: b, litellm_params: { model: openai/b, api_key: sk-clear-two } }
            - { model_name: c, litellm_params: { model: openai/c } }
            """)
        let keys = file["upstreams"]?.members.map { $0.value["key"]?["env"]?.text }
        #expect(keys == ["OPENAI_API_KEY_2", "OPENAI_API_KEY_3", "OPENAI_API_KEY"])
        #expect(losses.count == 1 && losses[0].contains("OPENAI_API_KEY_2, OPENAI_API_KEY_3"))
    }

    @Test func `nothing is passed over in silence`() throws {
        let (_, losses) = try models(
            "- { model_name: a, litellm_params: { model: openai/a, temperature: 0.2, api_key: sk-clear } }",
            """
            litellm_settings: { drop_params: true, success_callback: [langfuse] }
            environment_variables: { REDIS_HOST: sk-hidden }
            include: [other.yaml]
            """)
        for wanted in [
            "temperature", "drop_params", "success_callback", "include", "REDIS_HOST", "OPENAI_API_KEY",
        ] { #expect(losses.contains { $0.contains(wanted) }, "\(wanted)") }
        #expect(!losses.contains { $0.contains("sk-") })
    }
}
