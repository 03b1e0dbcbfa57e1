import Testing

@testable import CLI

/// `headgate import litellm`: a file of the LiteLLM proxy becomes one that serves the same.
@Suite(.scenario) struct ImportLiteLLM {
    private static let variables = [
        "OPENAI_API_KEY", "OPENAI_API_KEY_2", "OPENAI_API_KEY_3", "GROQ_API_KEY", "AZURE_API_KEY", "KEY_A",
        "KEY_B",
        "LITELLM_MASTER_KEY",
        "OPENROUTER_API_KEY", "GEMINI_API_KEY",
    ]

    private static let file = """
        model_list:
          - model_name: gpt-4o
            litellm_params: { model: openai/gpt-4o, api_key: os.environ/KEY_A, rpm: 480 }
            model_info: { input_cost_per_token: 0.0000025, output_cost_per_token: 0.00001, max_output_tokens: 16384 }
          - model_name: gpt-4o
            litellm_params: { model: openai/gpt-4o, api_key: os.environ/KEY_B, rpm: 480 }
          - model_name: "local: model #1"
            litellm_params: { model: hosted_vllm/meta-llama/L, api_base: "http://127.0.0.1:8001/v1", timeout: 30 }
          - model_name: team
            litellm_params:
              model: azure/deployment
              api_base: https://example.openai.azure.com/
              api_version: "2024-02-01"
              api_key: os.environ/AZURE_API_KEY
          - model_name: claude
            litellm_params: { model: anthropic/claude-sonnet, api_key: os.environ/ANTHROPIC_API_KEY }
          - model_name: groq/*
            litellm_params: { model: groq/* }
          - model_name: clear
            litellm_params: { model: openai/gpt-5-mini, api_key: sk-in-clear-0123456789 }
          - model_name: "*"
            litellm_params: { model: openrouter/* }
        router_settings:
          routing_strategy: least-busy
          num_retries: 2
          model_group_alias: { gpt-4: gpt-4o }
        litellm_settings:
          drop_params: true
          request_timeout: 600
          fallbacks: [{ gpt-4o: [team] }]
        general_settings:
          master_key: sk-master-in-clear
          database_url: postgresql://user:secret@host/db
        """

    private func headgate(_ folder: Folder, _ arguments: String...) throws -> (
        code: Int32, output: String, errors: String
    ) {
        let environment = Self.variables.map { "\($0)=value-of-\($0.lowercased())-0123456789" }
        return try run(
            ["/bin/sh", "-c", "cd \"$0\" && exec env \"$@\"", folder.path] + environment + [Gate.program]
                + arguments, in: folder)
    }

    private func check(_ text: String) throws {
        let folder = try Folder()
        try folder.write("theirs.yaml", text)
        let made = try headgate(folder, "import", "litellm", "theirs.yaml", "-o", "ours.yaml")
        #expect(made.code == 0 && made.output == "", "\(made.errors)")
        let checked = try headgate(folder, "check", "ours.yaml")
        #expect(checked.code == 0, "\(checked.errors)\(folder.read("ours.yaml"))")
    }

    @Test func `what it prints passes check, and lists what has no counterpart`() throws {
        let folder = try Folder()
        try folder.write("theirs.yaml", Self.file)
        let made = try headgate(folder, "import", "litellm", "theirs.yaml")
        #expect(made.code == 0)
        #expect(made.output.hasPrefix("# Made by `headgate import litellm` from theirs.yaml."))
        for loss in [
            "(claude): left out: provider anthropic", "drop_params", "database_url", "LITELLM_MASTER_KEY",
        ] {
            #expect(made.output.contains(loss) && made.errors.contains(loss), "\(loss)")
        }
        for secret in ["sk-in-clear", "sk-master", "user:secret"] {
            #expect(!made.output.contains(secret) && !made.errors.contains(secret))
        }
        try folder.write("ours.yaml", made.output)
        let checked = try headgate(folder, "check", "ours.yaml")
        #expect(checked.code == 0, "\(checked.errors)\(made.output)")
        let strict = try headgate(folder, "import", "litellm", "theirs.yaml", "--strict")
        #expect(strict.code == 1 && strict.output == made.output)
    }

    @Test(arguments: [
        "model_list: [{ model_name: a, litellm_params: { model: gpt-4o } }]",
        """
        model_list:
          - { model_name: a, litellm_params: { model: ollama/llama3 }, rpm: 5, tpm: 100 }
          - { model_name: a, litellm_params: { model: gemini/g, max_retries: 50, timeout: 0.0001 }, rpm: 5, tpm: 100 }
        general_settings: { master_key: os.environ/LITELLM_MASTER_KEY }
        router_settings: { allowed_fails: 0, cooldown_time: 5, num_retries: 0 }
        """,
        """
        model_list:
          - { model_name: "yes", litellm_params: { model: openai/1, api_key: sk-1111111111 } }
          - { model_name: "a${b}$c", litellm_params: { model: "openai/x${y}", api_key: sk-2222222222 } }
        """,
    ]) func `small files and odd names pass check as well`(text: String) throws { try check(text) }

    @Test func `requests come in, and go out, as by the file`() throws {
        let origin = try ScriptedUpstream.answering { request in
            ok("\(request["Authorization"] ?? "none") \(request.target)")
        }
        let folder = try Folder()
        try folder.write(
            "theirs.yaml",
            """
            model_list:
              - { model_name: m, litellm_params: { model: openai/real, api_base: "\(origin.url)/v1", api_key: os.environ/KEY_A } }
            general_settings: { master_key: os.environ/LITELLM_MASTER_KEY }
            """)
        try folder.write(".env", "KEY_A=sk-of-the-upstream\nLITELLM_MASTER_KEY=sk-of-the-clients\n")
        let made = try headgate(folder, "import", "litellm", "theirs.yaml")
        let address = try Address.free()
        let config = made.output.replacing("\"0.0.0.0:4000\"", with: "\"\(address.authority)\"")
        try folder.write("ours.yaml", config)
        let process = try ChildProcess(
            [Gate.program, "run", "-c", folder("ours.yaml"), "--admin", folder("admin.sock")], in: folder)
        try waitUntil("the gateway to listen: \(process.errors)") {
            let result = try run(
                ["curl", "-sS", "http://\(address.authority)/health/liveliness"], in: folder)
            return result.output.contains("healthy")
        }
        func ask(_ path: String, _ key: String) throws -> String {
            try run(
                [
                    "curl", "-sS", "http://\(address.authority)\(path)", "-H", "Authorization: Bearer \(key)",
                    "-H",
                    "Content-Type: application/json", "-d", chatBody(model: "m"),
                ], in: folder
            ).output
        }
        for path in ["/v1/chat/completions", "/chat/completions"] {
            #expect(try ask(path, "sk-of-the-clients") == "Bearer sk-of-the-upstream /v1/chat/completions")
            #expect(try ask(path, "sk-of-nobody").contains("invalid_api_key"))
        }
        #expect(origin.requests.allSatisfy { $0.text.contains("\"model\":\"real\"") })
    }

    @Test func `what is no such file is told, and nothing is overwritten`() throws {
        let folder = try Folder()
        for (text, wanted) in [
            ("a: [sk-secret", "theirs.yaml:2:1: "), ("listeners: {}", "has no `model_list`"),
            ("model_list: []", "no model that there is a counterpart for"),
            ("model_list: [{ model_name: a, litellm_params: { model: bedrock/x } }]", "no model that"),
        ] {
            try folder.write("theirs.yaml", text)
            let result = try headgate(folder, "import", "litellm", "theirs.yaml")
            #expect(result.code == 1 && result.output == "")
            #expect(
                result.errors.contains(wanted) && !result.errors.contains("sk-secret"), "\(result.errors)")
        }
        try folder.write("theirs.yaml", Self.file)
        try folder.write("ours.yaml", "mine")
        let there = try headgate(folder, "import", "litellm", "theirs.yaml", "--output", "ours.yaml")
        #expect(there.code == 1 && there.errors.contains("File exists") && folder.read("ours.yaml") == "mine")
        #expect(try headgate(folder, "import").code == 2)
        #expect(try headgate(folder, "import", "litellm", "none.yaml").code == 1)
    }
}
