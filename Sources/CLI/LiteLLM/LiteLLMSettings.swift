import Config

/// `litellm_settings`, `router_settings` and `general_settings`, as far as there is a counterpart.
struct LiteLLMSettings {
    /// Repetitions; nil: not said.
    private(set) var retries: Int64?
    /// Milliseconds.
    private(set) var timeout: Int64?
    /// What is asked after a model has failed, by its name.
    private(set) var fallbacks: [(model: String, others: [String])] = []
    /// Likewise for models that have none of their own.
    private(set) var defaultFallbacks: [String] = []
    private(set) var aliases: [(name: String, model: String)] = []
    /// Failures in a row before a server is left out.
    private(set) var failures: Int64?
    /// Milliseconds.
    private(set) var cooldown: Int64?
    private(set) var isLeastLoaded = false
    /// Variable with the key of clients; nil: everybody comes in.
    private(set) var masterVariable: String?
    private(set) var isMasterInClear = false
    /// What has no counterpart, a line each.
    private(set) var losses: [String] = []

    init(_ file: YAMLValue) {
        for section in ["litellm_settings", "router_settings", "general_settings"] {
            for member in file[section]?.members ?? [] {
                guard !member.value.isNull, !take(member.key, member.value, of: section) else { continue }
                let hint = LiteLLMSettings.hints[member.key].map { ": \($0)" } ?? ""
                losses.append("\(section).\(member.key) has no counterpart\(hint)")
            }
        }
        let known = [
            "model_list", "litellm_settings", "router_settings", "general_settings", "environment_variables",
        ]
        for member in file.members where !known.contains(member.key) && !member.value.isNull {
            let hint = LiteLLMSettings.hints[member.key].map { ": \($0)" } ?? ""
            losses.append("\(member.key) has no counterpart\(hint)")
        }
        let variables = file["environment_variables"]?.members.map(\.key) ?? []
        if !variables.isEmpty {
            losses.append(
                "environment_variables are not passed on; put those that are still needed into .env: "
                    + variables.joined(separator: ", "))
        }
    }

    /// Why listed: whoever looks for it finds where it went.
    private static let hints: [String: String] = [
        "database_url":
            "keys that it made stand in that database; make new ones with `headgate apikey create`",
        "store_model_in_db": "models stand in the file",
        "success_callback": "see `access_log`, `telemetry` and `/metrics`",
        "failure_callback": "see `access_log`, `telemetry` and `/metrics`",
        "callbacks": "see `access_log`, `telemetry` and `/metrics`",
        "cache": "answers are not kept",
        "cache_params": "answers are not kept",
        "drop_params": "requests go on as they are",
        "modify_params": "requests go on as they are",
        "redis_host": "counts are in the process, and with `usage` in a store",
        "redis_port": "counts are in the process, and with `usage` in a store",
        "redis_password": "counts are in the process, and with `usage` in a store",
        "routing_strategy": "who of several is asked goes by weight; see `balance`",
        "context_window_fallbacks": "the next is asked where one fails, whatever the reason",
        "content_policy_fallbacks": "the next is asked where one fails, whatever the reason",
        "max_budget": "see `limits` with `usd_per_month`",
        "pass_through_endpoints": "add an upstream and a route for each",
        "include": "convert the included files by themselves",
        "guardrails": "requests and answers are not looked into for their meaning",
        "alerting": "see `/metrics`",
        "max_parallel_requests": "see `limits` with `concurrent`",
        "global_max_parallel_requests": "see `max_in_flight` of upstreams",
    ]

    /// - Returns: false: there is no counterpart.
    private mutating func take(_ key: String, _ value: YAMLValue, of section: String) -> Bool {
        switch (section, key) {
        case ("general_settings", "master_key"): takeMaster(value)
        case ("litellm_settings", "num_retries"), ("router_settings", "num_retries"):
            retries = value.integer ?? retries
        case ("litellm_settings", "request_timeout"), ("router_settings", "timeout"):
            timeout = LiteLLMText.milliseconds(value) ?? timeout
        case ("litellm_settings", "fallbacks"), ("router_settings", "fallbacks"):
            takeFallbacks(value)
        case ("litellm_settings", "default_fallbacks"), ("router_settings", "default_fallbacks"):
            defaultFallbacks = value.items.compactMap(\.text)
        case ("router_settings", "model_group_alias"): takeAliases(value)
        case ("litellm_settings", "allowed_fails"), ("router_settings", "allowed_fails"):
            failures = value.integer.map { min(max($0, 0), 999) + 1 }
        case ("litellm_settings", "cooldown_time"), ("router_settings", "cooldown_time"):
            cooldown = LiteLLMText.milliseconds(value)
        case ("router_settings", "routing_strategy"):
            isLeastLoaded = value.text == "least-busy"
            return isLeastLoaded || value.text == "simple-shuffle"
        case _: return false
        }
        return true
    }

    private mutating func takeMaster(_ value: YAMLValue) {
        guard let text = value.text, !text.isEmpty else { return }
        masterVariable = LiteLLMText.variable(text) ?? "LITELLM_MASTER_KEY"
        isMasterInClear = LiteLLMText.variable(text) == nil
    }

    /// `[{"a": ["b", "c"]}]`
    private mutating func takeFallbacks(_ value: YAMLValue) {
        for member in value.items.flatMap(\.members) {
            let others = member.value.items.isEmpty ? [member.value] : member.value.items
            if member.key == "*" {
                defaultFallbacks = others.compactMap(\.text)
            } else {
                fallbacks.append((member.key, others.compactMap(\.text)))
            }
        }
    }

    /// `{"alias": "model"}` or `{"alias": {"model": "model"}}`
    private mutating func takeAliases(_ value: YAMLValue) {
        for member in value.members {
            if let model = member.value.text ?? member.value["model"]?.text {
                aliases.append((member.key, model))
            }
        }
    }
}
