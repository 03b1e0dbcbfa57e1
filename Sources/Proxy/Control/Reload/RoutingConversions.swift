import Config
import JSON

// One value of `upstreams:`, of `models:`, or of what a route does with bodies, into one plan value each.

extension BalancePlan {
    init(_ config: BalanceConfig) {
        switch config {
        case .roundRobin: self.init(method: .roundRobin)
        case .leastLoaded: self.init(method: .leastLoaded)
        case .hash(let subjects): self.init(method: .hash(LimitSubjectParts(subjects)))
        }
    }
}

extension HealthPlan {
    init(_ config: HealthConfig) {
        self.init(
            failuresMax: UInt32(clamping: config.failures ?? 0), ejection: nanoseconds(config.eject),
            ejectionMax: nanoseconds(config.ejectMax), slowStart: nanoseconds(config.slowStart))
    }
}

extension RetryPlan {
    init(_ config: RetryConfig) {
        self.init(
            attemptsMax: UInt8(clamping: config.attempts), causes: RetryCauses(config.causes),
            statuses: config.statuses.map { UInt16(clamping: $0) }, repeatsPost: config.post,
            bodyMax: Int(clamping: config.bodyMax))
    }
}

extension RetryCauses {
    init(_ config: [RetryConfig.Cause]) {
        self = []
        for cause in config {
            switch cause {
            case .connect: insert(.connect)
            case .reset: insert(.reset)
            case .stalled: insert(.stalled)
            }
        }
    }
}

// MARK: - Models

extension ModelPlan {
    /// - Parameter upstreams: indices by name.
    convenience init(_ config: ModelConfig, upstreams: [String: Int]) {
        self.init(
            name: PlanText(config.name), maxOutput: config.maxOutput,
            price: config.price.map(ModelPrice.init),
            targets: config.targets.map { ModelTarget($0, of: config, upstreams: upstreams) })
    }
}

extension ModelTarget {
    init(_ config: ModelTargetConfig, of model: ModelConfig, upstreams: [String: Int]) {
        guard let upstream = upstreams[config.upstream] else {
            preconditionFailure("the config has checked that upstream \(config.upstream) is defined")
        }
        let name: Name =
            if let fixed = config.model {
                .fixed(PlanText(jsonString(fixed)))
            } else if model.stripPrefix {
                .stripped(model.literalPrefix.utf8.count)
            } else {
                .asSent
            }
        self.init(upstream: upstream, name: name)
    }
}

extension ModelRoutePlan {
    /// The one upstream that all of these lead to, if every name goes on as it is sent.
    static func onlyUpstream(of models: [ModelPlan]) -> Int? {
        let targets = models.flatMap(\.targets)
        guard let first = targets.first,
            targets.allSatisfy({ $0.upstream == first.upstream && $0.name.isAsSent })
        else { return nil }
        return first.upstream
    }
}

extension ModelPrice {
    init(_ config: ModelPriceConfig) {
        self.init(input: config.input, output: config.output, cachedInput: config.cachedInput)
    }
}

// MARK: - Bodies

extension BodyDefaults {
    init(_ config: RouteConfig) {
        self.init(
            model: config.defaultModel.map { (json: PlanText(jsonString($0)), name: PlanText($0)) },
            temperature: config.defaultTemperature.map { PlanText($0) })
    }
}

extension BodyTransform {
    init(_ config: TransformConfig) {
        switch config {
        case .none: self = .none
        case .simpleChat: self = .simpleChat
        }
    }
}

extension StreamErrorEnd {
    init(_ config: StreamErrorEndConfig) {
        switch config {
        case .cut: self = .cut
        case .done: self = .done
        }
    }
}

/// With its quotes.
private func jsonString(_ text: String) -> String {
    var json = JSONWriter()
    json.value(text)
    return String(decoding: json.bytes, as: UTF8.self)
}
