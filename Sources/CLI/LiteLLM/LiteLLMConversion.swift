import Config

/// A config file of the LiteLLM proxy, as one of ours. What has no counterpart is told, never passed over.
struct LiteLLMConversion {
    /// The whole file, with what is lost in front.
    let text: String
    /// What has no counterpart, a line each. Quotes no key.
    let losses: [String]

    /// Nothing in it has a counterpart.
    struct Empty: Error {
        let losses: [String]
    }

    /// - Parameter name: of the file, for the first line of the new one.
    init(_ file: YAMLValue, name: String) throws(Empty) {
        var work = Work(file)
        guard !work.models.isEmpty else { throw Empty(losses: work.losses) }
        let document = work.document()
        losses = work.losses
        var lines = [
            "Made by `headgate import litellm` from \(name). `headgate check` says whether all is there."
        ]
        if !losses.isEmpty { lines += ["", "What is other than there:"] + losses.map { "- \($0)" } }
        let head = lines.map { "# \(Terminal.printable($0))" }.map { $0 == "# " ? "#" : $0 }
        text = head.joined(separator: "\n") + "\n\nversion: 1\n" + YAMLOutput.document(document)
    }

    /// An entry of `models`.
    struct Model {
        let name: String
        var targets: [LiteLLMUpstreams.Target]
        let stripsPrefix: Bool
        /// Whose facts it has; nil: an alias.
        let facts: LiteLLMDeployment?
    }

    private struct Work {
        let settings: LiteLLMSettings
        var upstreams = LiteLLMUpstreams(taken: [])
        var models: [Model] = []
        var deployments: [LiteLLMDeployment] = []
        var losses: [String] = []

        init(_ file: YAMLValue) {
            settings = LiteLLMSettings(file)
            for (index, entry) in (file["model_list"]?.items ?? []).enumerated() { read(entry, index) }
            let taken = deployments.compactMap { deployment in
                if case .variable(let name) = deployment.key { name } else { nil }
            }
            upstreams = LiteLLMUpstreams(taken: Set(taken + [settings.masterVariable].compactMap { $0 }))
            var names: [String] = []
            for deployment in deployments where !names.contains(deployment.name) {
                names.append(deployment.name)
            }
            for name in names { addModel(name) }
            addAliases()
            addFallbacks()
            losses += settings.losses
        }

        private mutating func read(_ entry: YAMLValue, _ index: Int) {
            let name = entry["model_name"]?.text.map { " (\($0))" } ?? ""
            var notes: [String] = []
            do throws(LiteLLMDeployment.Foreign) {
                deployments.append(try LiteLLMDeployment(entry) { notes.append($0) })
            } catch {
                notes = ["left out: \(error.reason)"]
            }
            losses += notes.map { "model_list[\(index)]\(name): \($0)" }
        }

        private mutating func addModel(_ name: String) {
            let own = deployments.filter { $0.name == name }
            var usable: [LiteLLMDeployment] = []
            var strips = false
            for deployment in own {
                guard let pattern = LiteLLMPattern(deployment) else {
                    losses.append(
                        "\(name): left out: `\(deployment.model)` is no pattern that it could be written with"
                    )
                    continue
                }
                strips = pattern == .stripped
                usable.append(deployment)
            }
            guard let first = usable.first else { return }
            let targets = upstreams.targets(of: usable)
            if targets.count > 1 {
                losses.append(
                    "\(name): its \(targets.count) deployments are asked in the order of the file, the next "
                        + "where one fails; LiteLLM spreads requests over them")
            }
            models.append(Model(name: name, targets: targets, stripsPrefix: strips, facts: first))
        }

        private mutating func addAliases() {
            for alias in settings.aliases {
                guard let model = models.first(where: { $0.name == alias.model }), !model.name.contains("*"),
                    !models.contains(where: { $0.name == alias.name })
                else {
                    losses.append(
                        "alias \(alias.name): left out: \(alias.model) is not there, or the alias is")
                    continue
                }
                models.append(
                    Model(name: alias.name, targets: model.targets, stripsPrefix: false, facts: model.facts))
            }
        }

        private mutating func addFallbacks() {
            // Why: what one falls back to is where that goes itself, not where it falls back to.
            let before = models
            for index in models.indices where !models[index].name.contains("*") {
                let own = settings.fallbacks.first { $0.model == models[index].name }?.others
                for other in own ?? settings.defaultFallbacks where other != models[index].name {
                    guard let model = before.first(where: { $0.name == other }), !other.contains("*") else {
                        losses.append(
                            "fallback of \(models[index].name) to \(other): left out: it is not there")
                        continue
                    }
                    for target in model.targets where !models[index].targets.contains(target) {
                        models[index].targets.append(target)
                    }
                }
            }
            for fallback in settings.fallbacks where !before.contains(where: { $0.name == fallback.model }) {
                losses.append("fallbacks of \(fallback.model): left out: it is not there")
            }
        }

        // MARK: The file

        mutating func document() -> [YAMLOutput.Member] {
            var sections: [YAMLOutput.Member] = [
                .init(
                    "env_file", .mapping([.init("path", .text(".env")), .init("optional", .word("true"))])),
                .init("listeners", .mapping([.init("litellm", .text("0.0.0.0:4000"))])),
                .init("auth", auth()),
                .init("models", .mapping(models.map { .init($0.name, LiteLLMSections.model($0)) })),
            ]
            let limit = LiteLLMSections.limit(deployments, models)
            if let loss = limit.loss { losses.append(loss) }
            if let limit = limit.limit {
                sections.append(.init("limits", .mapping([.init(LiteLLMSections.limitName, limit)])))
            }
            sections.append(
                .init(
                    "upstreams",
                    .mapping(
                        upstreams.named.map {
                            .init($0.name, LiteLLMSections.upstream($0.upstream, upstreams, settings))
                        })))
            sections.append(
                .init(
                    "routes",
                    LiteLLMSections.routes(
                        hasKey: settings.masterVariable != nil, hasLimit: limit.limit != nil)))
            if !upstreams.newVariables.isEmpty {
                losses.append(
                    "keys that stood in clear are not passed on: put them into .env as "
                        + upstreams.newVariables.joined(separator: ", "))
            }
            return sections
        }

        private mutating func auth() -> YAMLOutput {
            let open: YAMLOutput.Member = .init(
                "open",
                .mapping([
                    .init("mode", .text("none")), .init("allow_open", .word("true")),
                    .init("ignore_credentials", .word("true")),
                ]))
            guard let variable = settings.masterVariable else {
                losses.append("there is no master_key: everybody may come in, as there")
                return .mapping([open])
            }
            if settings.isMasterInClear {
                losses.append(
                    "the master_key stood in clear and is not passed on: put it into .env as \(variable)")
            }
            let master: YAMLOutput = .mapping([
                .init("mode", .text("env-key")), .init("variables", .list([.text(variable)])),
            ])
            return .mapping([.init("master", master), open])
        }
    }
}

/// How the name that clients use becomes the one at the provider.
enum LiteLLMPattern: Equatable {
    /// There is no star in it, or it goes on as it came.
    case same
    /// Without what stands in front of the star.
    case stripped

    /// nil: it cannot be said so.
    init?(_ deployment: LiteLLMDeployment) {
        let (name, model) = (deployment.name, deployment.model)
        guard model.contains("*") else {
            self = .same
            return
        }
        guard name.contains("*") else { return nil }
        if name == model || name == "*" && model == "*" {
            self = .same
        } else if model == "*", name.hasSuffix("*"), !name.dropLast().contains("*") {
            self = .stripped
        } else {
            return nil
        }
    }
}
