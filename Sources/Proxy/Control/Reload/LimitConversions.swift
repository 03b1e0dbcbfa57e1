import Config

// One value of `limits:` into one plan value each.

extension LimitSubjectParts {
    init(_ config: [LimitConfig.Subject]) {
        self = []
        for subject in config {
            switch subject {
            case .key: insert(.key)
            case .user: insert(.user)
            case .ip: insert(.ip)
            case .route: insert(.route)
            case .upstream: insert(.upstream)
            case .model: insert(.model)
            }
        }
    }
}

extension LimitConfig.Key {
    var countsTokens: Bool {
        switch self {
        case .tokensPerMinute, .tokensPerHour, .tokensPerDay: true
        case .requestsPerSecond, .requestsPerMinute, .requestsPerHour, .requestsPerDay, .burst, .usdPerDay,
            .usdPerMonth, .concurrent:
            false
        }
    }
}

extension LimitMeasure.Unit {
    init(_ key: LimitConfig.Key, _ tokens: LimitConfig.Tokens) {
        switch key {
        case .requestsPerSecond, .requestsPerMinute, .requestsPerHour, .requestsPerDay, .burst:
            self = .requests
        case .tokensPerMinute, .tokensPerHour, .tokensPerDay:
            switch tokens {
            case .input: self = .inputTokens
            case .output: self = .outputTokens
            case .total: self = .tokens
            }
        case .usdPerDay, .usdPerMonth: self = .money
        case .concurrent: self = .concurrent
        }
    }
}

extension LimitMeasure.Period {
    init(_ key: LimitConfig.Key) {
        switch key {
        case .requestsPerSecond, .burst: self = .second
        case .requestsPerMinute, .tokensPerMinute: self = .minute
        case .requestsPerHour, .tokensPerHour: self = .hour
        case .requestsPerDay, .tokensPerDay, .usdPerDay: self = .day
        case .usdPerMonth: self = .month
        case .concurrent: self = .none
        }
    }
}

extension ChargePolicy {
    init(_ config: ChargeConfig) {
        self.init(
            clientGone: Amount(config.clientGone), upstreamEOF: Amount(config.upstreamEOF),
            upstreamError: Amount(config.upstreamError), timeout: Amount(config.timeout))
    }
}

extension ChargePolicy.Amount {
    init(_ config: ChargeConfig.Amount) {
        switch config {
        case .measured: self = .measured
        case .reserved: self = .reserved
        case .nothing: self = .nothing
        }
    }
}

extension RateLimitFieldStyles {
    init(_ config: [RateLimitFieldsConfig]) {
        self = []
        for fields in config {
            switch fields {
            case .openai: insert(.openai)
            case .ietf: insert(.ietf)
            case .webscout: insert(.iso)
            case .epoch: insert(.epoch)
            case .delta: insert(.delta)
            }
        }
    }
}
