/// A provider by LiteLLM's name, where it speaks as OpenAI does: `{base}/chat/completions`.
///
/// Bases and variables are those of LiteLLM's documentation of its providers
/// (<https://docs.litellm.ai/docs/providers>).
struct LiteLLMProvider {
    let name: String
    /// What stands in front of `/chat/completions`; nil: the file has to say it (`api_base`).
    let base: String?
    /// Where the key is if the file does not say; nil: there is none.
    let variable: String?
    /// Behind an `api_base`, unless that ends so already.
    var baseSuffix = ""
    /// Default `Authorization: Bearer …`.
    var keyField: String?

    /// nil: not known, or it speaks another language.
    static func named(_ name: String) -> LiteLLMProvider? { all.first { $0.name == name } }

    /// Providers that LiteLLM translates for, and what may do instead.
    static let foreign: [String: String] = [
        "anthropic":
            "it speaks Anthropic's language; use it over OpenRouter, or give clients a route to it as it is",
        "bedrock": "it speaks Amazon's language and signs requests",
        "sagemaker": "it speaks Amazon's language and signs requests",
        "vertex_ai": "it speaks Google's language; `gemini/` models have a counterpart",
        "vertex_ai_beta": "it speaks Google's language; `gemini/` models have a counterpart",
        "azure_ai": "its addresses differ by model",
        "cohere": "it speaks Cohere's language",
        "cohere_chat": "it speaks Cohere's language",
        "huggingface": "it speaks Hugging Face's language",
        "replicate": "it speaks Replicate's language",
        "watsonx": "it speaks IBM's language",
        "databricks": "its addresses differ by workspace",
        "palm": "it is no more",
        "petals": "it speaks Petals's language",
        "predibase": "it speaks Predibase's language",
        "cloudflare": "its addresses differ by account",
        "triton": "it speaks Triton's language",
        "clarifai": "it speaks Clarifai's language",
        "voyage": "it speaks Voyage's language",
        "jina_ai": "it speaks Jina's language",
        "snowflake": "it speaks Snowflake's language",
        "oobabooga": "it speaks a language of its own",
        "nlp_cloud": "it speaks a language of its own",
        "aleph_alpha": "it speaks a language of its own",
        "ai21": "it speaks a language of its own",
        "custom": "it is code of LiteLLM",
    ]

    private static let all: [LiteLLMProvider] = [
        .init(name: "openai", base: "https://api.openai.com/v1", variable: "OPENAI_API_KEY"),
        .init(name: "text-completion-openai", base: "https://api.openai.com/v1", variable: "OPENAI_API_KEY"),
        .init(
            name: "azure", base: nil, variable: "AZURE_API_KEY", baseSuffix: "/openai/v1",
            keyField: "api-key"),
        .init(name: "openrouter", base: "https://openrouter.ai/api/v1", variable: "OPENROUTER_API_KEY"),
        .init(name: "groq", base: "https://api.groq.com/openai/v1", variable: "GROQ_API_KEY"),
        .init(name: "mistral", base: "https://api.mistral.ai/v1", variable: "MISTRAL_API_KEY"),
        .init(name: "codestral", base: "https://codestral.mistral.ai/v1", variable: "CODESTRAL_API_KEY"),
        .init(name: "deepseek", base: "https://api.deepseek.com/v1", variable: "DEEPSEEK_API_KEY"),
        .init(name: "together_ai", base: "https://api.together.xyz/v1", variable: "TOGETHERAI_API_KEY"),
        .init(
            name: "fireworks_ai", base: "https://api.fireworks.ai/inference/v1",
            variable: "FIREWORKS_API_KEY"),
        .init(name: "perplexity", base: "https://api.perplexity.ai", variable: "PERPLEXITYAI_API_KEY"),
        .init(name: "xai", base: "https://api.x.ai/v1", variable: "XAI_API_KEY"),
        .init(name: "cerebras", base: "https://api.cerebras.ai/v1", variable: "CEREBRAS_API_KEY"),
        .init(name: "deepinfra", base: "https://api.deepinfra.com/v1/openai", variable: "DEEPINFRA_API_KEY"),
        .init(
            name: "nvidia_nim", base: "https://integrate.api.nvidia.com/v1", variable: "NVIDIA_NIM_API_KEY"),
        .init(name: "sambanova", base: "https://api.sambanova.ai/v1", variable: "SAMBANOVA_API_KEY"),
        .init(
            name: "gemini", base: "https://generativelanguage.googleapis.com/v1beta/openai",
            variable: "GEMINI_API_KEY"),
        .init(name: "ollama", base: "http://localhost:11434/v1", variable: nil, baseSuffix: "/v1"),
        .init(name: "ollama_chat", base: "http://localhost:11434/v1", variable: nil, baseSuffix: "/v1"),
        .init(name: "lm_studio", base: nil, variable: nil),
        .init(name: "vllm", base: nil, variable: nil),
        .init(name: "hosted_vllm", base: nil, variable: nil),
        .init(name: "openai_like", base: nil, variable: nil),
        .init(name: "custom_openai", base: nil, variable: nil),
        .init(name: "litellm_proxy", base: nil, variable: nil),
        .init(name: "llamafile", base: nil, variable: nil),
        .init(name: "xinference", base: nil, variable: nil),
        .init(name: "text-completion-inference", base: nil, variable: nil),
    ]

    /// Whose a model is that is named without a provider.
    static func ofBareModel(_ model: String, hasBase: Bool) -> String? {
        if hasBase { return "openai" }
        let name = model.lowercased()
        if name.hasPrefix("claude") { return "anthropic" }
        if name.hasPrefix("gemini") { return "vertex_ai" }
        if name.hasPrefix("command") { return "cohere" }
        let ours = [
            "gpt-", "chatgpt-", "o1", "o3", "o4", "text-embedding-", "dall-e", "whisper", "tts-", "ft:",
        ]
        return ours.contains { name.hasPrefix($0) } || name == "*" ? "openai" : nil
    }
}
