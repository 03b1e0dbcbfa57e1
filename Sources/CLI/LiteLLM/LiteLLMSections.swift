/// Sections of the new file.
enum LiteLLMSections {
    static let limitName = "per-model"

    // MARK: models

    static func model(_ model: LiteLLMConversion.Model) -> YAMLOutput {
        let targets = model.targets.map { YAMLOutput.text(text(of: $0, for: model.name)) }
        var members: [YAMLOutput.Member] = []
        if targets.count == 1 {
            members.append(.init("upstream", targets[0]))
        } else {
            members.append(.init("first_of", .list(targets)))
        }
        if model.stripsPrefix { members.append(.init("strip_prefix", .word("true"))) }
        if let facts = model.facts { members += Self.facts(facts) }
        return members.count == 1 && targets.count == 1 ? targets[0] : .mapping(members)
    }

    private static func text(of target: LiteLLMUpstreams.Target, for name: String) -> String {
        let goesOn = target.model == name || target.model.contains("*")
        return goesOn ? target.upstream : "\(target.upstream)/\(target.model)"
    }

    private static func facts(_ facts: LiteLLMDeployment) -> [YAMLOutput.Member] {
        var members: [YAMLOutput.Member] = []
        if let maxOutput = facts.maxOutput, (1...1_000_000_000_000).contains(maxOutput) {
            members.append(.init("max_output", .word("\(maxOutput)")))
        }
        guard facts.inputPrice != nil || facts.outputPrice != nil else { return members }
        var price: [YAMLOutput.Member] = [
            .init("input", .word(facts.inputPrice ?? "0")), .init("output", .word(facts.outputPrice ?? "0")),
        ]
        if let cached = facts.cachedInputPrice { price.append(.init("cached_input", .word(cached))) }
        return members + [.init("price", .mapping(price))]
    }

    // MARK: limits

    /// One number for all models is what a limit can have.
    static func limit(
        _ deployments: [LiteLLMDeployment], _ models: [LiteLLMConversion.Model]
    ) -> (limit: YAMLOutput?, loss: String?) {
        var sums: [(requests: Int64?, tokens: Int64?)] = []
        for model in models {
            let own = deployments.filter { $0.name == model.name }
            guard !own.isEmpty else { continue }
            sums.append((sum(own.map(\.requestsPerMinute)), sum(own.map(\.tokensPerMinute))))
        }
        guard let first = sums.first, deployments.contains(where: \.hasLimit) else { return (nil, nil) }
        var members: [YAMLOutput.Member] = [.init("by", .text("model"))]
        if let requests = first.requests, sums.allSatisfy({ $0.requests == requests }),
            (1...1_000_000).contains(requests)
        {
            members.append(.init("requests_per_minute", .word("\(requests)")))
        }
        if let tokens = first.tokens, sums.allSatisfy({ $0.tokens == tokens }),
            (1...1_000_000_000_000).contains(tokens)
        {
            members.append(.init("tokens_per_minute", .word("\(tokens)")))
            members.append(.init("default_reserve", .word("\(min(1000, tokens))")))
        }
        let isWhole =
            members.contains { $0.key == "requests_per_minute" }
            == deployments.contains { $0.requestsPerMinute != nil }
            && members.contains { $0.key == "tokens_per_minute" }
                == deployments.contains { $0.tokensPerMinute != nil }
        let loss =
            isWhole
            ? nil
            : "rpm and tpm differ by model; a limit here has one number for all: see `limits` and `max_in_flight`"
        return (members.count > 1 ? .mapping(members) : nil, loss)
    }

    private static func sum(_ numbers: [Int64?]) -> Int64? {
        numbers.reduce(0) { sum, number in
            guard let sum, let number, number > 0 else { return nil }
            let (result, overflow) = sum.addingReportingOverflow(number)
            return overflow ? nil : result
        }
    }

    // MARK: upstreams

    static func upstream(
        _ upstream: LiteLLMUpstreams.Upstream, _ all: LiteLLMUpstreams, _ settings: LiteLLMSettings
    ) -> YAMLOutput {
        var members = addresses(upstream)
        if upstream.bases.count > 1, settings.isLeastLoaded {
            members.append(.init("balance", .text("least-loaded")))
        }
        if let key = key(upstream, all) {
            members.append(.init("key", key))
            if let field = upstream.keyField { members.append(.init("key_field", .text(field))) }
        }
        if let timeout = upstream.timeout ?? settings.timeout {
            let text = YAMLOutput.word(duration(timeout))
            members.append(.init("timeouts", .mapping([.init("first_byte", text), .init("idle", text)])))
        }
        if let retries = upstream.retries ?? settings.retries {
            members.append(.init("retry", retry(retries)))
        }
        var health: [YAMLOutput.Member] = []
        if let failures = settings.failures { health.append(.init("failures", .word("\(failures)"))) }
        if let cooldown = settings.cooldown { health.append(.init("eject", .word(duration(cooldown)))) }
        if !health.isEmpty { members.append(.init("health", .mapping(health))) }
        return members.count == 1 && members[0].key == "url" ? members[0].value : .mapping(members)
    }

    private static func addresses(_ upstream: LiteLLMUpstreams.Upstream) -> [YAMLOutput.Member] {
        func url(_ base: String) -> YAMLOutput { upstream.isExpanded ? .expanded(base) : .text(base) }
        guard upstream.bases.count > 1 else { return [.init("url", url(upstream.bases[0].value))] }
        let endpoints = upstream.bases.map { base -> YAMLOutput in
            guard let weight = base.weight, (2...1000).contains(weight) else { return url(base.value) }
            return .mapping([.init("url", url(base.value)), .init("weight", .word("\(weight)"))])
        }
        return [.init("endpoints", .list(endpoints))]
    }

    private static func key(
        _ upstream: LiteLLMUpstreams.Upstream, _ all: LiteLLMUpstreams
    ) -> YAMLOutput? {
        let keys = upstream.keys.compactMap { key in all.variable(key.value).map { ($0, key.weight) } }
        guard let first = keys.first else { return nil }
        guard keys.count > 1 else { return .mapping([.init("env", .text(first.0))]) }
        let sources = keys.map { name, weight -> YAMLOutput in
            var members: [YAMLOutput.Member] = [.init("env", .text(name))]
            if let weight, (2...1000).contains(weight) { members.append(.init("weight", .word("\(weight)"))) }
            return .mapping(members)
        }
        return .mapping([.init("any_of", .list(sources))])
    }

    /// Also POST, as LiteLLM does; of answers those that are no fault of the request.
    private static func retry(_ retries: Int64) -> YAMLOutput {
        guard retries > 0 else { return .mapping([.init("attempts", .word("1"))]) }
        let causes = ["connect", "reset", "stalled"].map { YAMLOutput.text($0) }
        let statuses = ["500", "502", "503", "504"].map { YAMLOutput.word($0) }
        return .mapping([
            .init("attempts", .word("\(min(retries, 9) + 1)")), .init("on", .list(causes + statuses)),
            .init("post", .word("true")),
        ])
    }

    private static func duration(_ milliseconds: Int64) -> String {
        milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
    }

    // MARK: routes

    /// What clients ask without `/v1` in front.
    private static let shortPaths = [
        "/chat/completions", "/completions", "/embeddings", "/moderations", "/responses",
        "/images/generations",
        "/audio/speech",
    ]

    /// - Parameters:
    ///   - hasKey: clients have to send the master key.
    ///   - hasLimit: the limit by model is there.
    static func routes(hasKey: Bool, hasLimit: Bool) -> YAMLOutput {
        let auth = YAMLOutput.Member("auth", .text(hasKey ? "master" : "open"))
        let limits = hasLimit ? [YAMLOutput.Member("limits", .text(limitName))] : []
        var routes: [[YAMLOutput.Member]] = ["/health/liveliness", "/health/liveness", "/health/readiness"]
            .map {
                [
                    .init("path", .text($0)), .init("methods", .text("GET")), .init("auth", .text("open")),
                    .init(
                        "respond", .mapping([.init("json", .mapping([.init("status", .text("healthy"))]))])),
                ]
            }
        for path in ["/v1/models/**", "/models/**"] {
            routes.append([
                .init("path", .text(path)), .init("methods", .text("GET")), auth,
                .init("action", .text("models")),
            ])
        }
        // Why without it: the addresses of LiteLLM's file have theirs, or are to have none.
        routes.append(
            [.init("path", .text("/v1/**")), auth] + limits
                + [.init("strip_prefix", .text("/v1")), .init("to", .text("models"))])
        for path in shortPaths {
            routes.append([.init("path", .text(path)), auth] + limits + [.init("to", .text("models"))])
        }
        return .list(routes.map { .mapping($0) })
    }
}

extension LiteLLMDeployment {
    fileprivate var hasLimit: Bool { requestsPerMinute != nil || tokensPerMinute != nil }
}
