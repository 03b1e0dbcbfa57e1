/// What cannot be held, or never has an effect, in `limits`, and where routes list them.
extension Validation {
    func checkLimits() {
        let models = SoundModels(config.models, reading)
        for limit in config.limits {
            let path = ConfigPath.key(.key(.root, "limits"), limit.name)
            guard reading.isSound(path), !reading.isFull else { continue }
            warnNeverReached(limit, path)
            warnForgotten(limit, path)
            guard let models else { continue }
            let isBounded = checkReserve(limit, models, path)
            if checkPrices(limit, models, path), isBounded { checkRoom(limit, models, path) }
        }
    }

    // MARK: Within one limit

    /// A shorter time that admits more than a longer one.
    private func warnNeverReached(_ limit: LimitConfig, _ path: ConfigPath) {
        let windows: [[LimitConfig.Key]] = [
            [.burst, .requestsPerSecond, .requestsPerMinute, .requestsPerHour, .requestsPerDay],
            [.tokensPerMinute, .tokensPerHour, .tokensPerDay], [.usdPerDay, .usdPerMonth],
        ]
        for keys in windows {
            let numbers = keys.compactMap { key in limit.number(key).map { (key: key, max: $0) } }
            for (shorter, longer) in zip(numbers, numbers.dropFirst()) where shorter.max > longer.max {
                let place = ConfigPath.key(path, shorter.key.rawValue)
                let message =
                    "`\(place.text)` is never reached: `\(longer.key.rawValue)` is less"
                reading.note(.warning, message, at: reading.keySpan(of: place), path: place)
            }
        }
    }

    private func warnForgotten(_ limit: LimitConfig, _ path: ConfigPath) {
        guard config.usage == nil, reading.isSound(.key(.root, "usage")),
            let number = limit.numbers.first(where: \.key.isByCalendar)
        else { return }
        let place = ConfigPath.key(path, number.key.rawValue)
        let message = "`\(place.text)` begins anew with each restart: without `usage` it is kept nowhere"
        let hint =
            config.stores.first.map { "add `usage: \($0.name)`" }
            ?? "add `stores: { main: headgate.db }` and `usage: main`"
        reading.note(.warning, message, hint: hint, at: reading.keySpan(of: place), path: place)
    }

    // MARK: With models

    /// - Returns: whether it is known how many output tokens any request may come to.
    private func checkReserve(_ limit: LimitConfig, _ models: SoundModels, _ path: ConfigPath) -> Bool {
        guard limit.defaultReserve == nil, let place = placeOfCounting(limit, path) else { return true }
        let unbounded = models.named.filter { $0.maxOutput == nil }.map(\.name)
        if let first = unbounded.first {
            note(
                "`\(place.text)` cannot be held: nothing bounds a request without `max_tokens` for "
                    + listed(unbounded),
                hint:
                    "add `max_output` to \(Quoting.quoted(first)) in `models`, or `default_reserve: 4k` to \(path.text)",
                at: place)
            return false
        }
        guard !models.haveCatchAll else { return true }
        note(
            "`\(place.text)` cannot be held: nothing bounds a request without `max_tokens`"
                + (config.models.isEmpty ? "" : " for a model that `models` does not name"),
            hint:
                "add `default_reserve: 4k` to \(path.text), or `\"*\": { max_output: 16k }` to `models`",
            at: place)
        return false
    }

    /// - Returns: whether it is known what any model costs.
    private func checkPrices(_ limit: LimitConfig, _ models: SoundModels, _ path: ConfigPath) -> Bool {
        guard let number = limit.numbers.first(where: { $0.key.unit == .money }) else { return true }
        let place = ConfigPath.key(path, number.key.rawValue)
        let price = "price: { input: 2, output: 8 }"
        let unpriced = models.named.filter { $0.price == nil }.map(\.name)
        if let first = unpriced.first {
            note(
                "`\(place.text)` cannot be held: no price is known of \(listed(unpriced))",
                hint: "add one such as `\(price)` to \(Quoting.quoted(first)) in `models`", at: place)
            return false
        }
        guard !models.haveCatchAll else { return true }
        note(
            "`\(place.text)` cannot be held: no price is known of a model that `models` does not name",
            hint: "add `\"*\": { \(price) }` to `models`, with the highest there is", at: place)
        return false
    }

    /// A reserve that the number has no room for, so that a request without `max_tokens` never passes.
    private func checkRoom(_ limit: LimitConfig, _ models: SoundModels, _ path: ConfigPath) {
        let others = models.haveCatchAll ? [] : [ModelConfig(name: "*", maxOutput: nil, price: nil)]
        for number in limit.numbers {
            let isTooLarge = { (model: ModelConfig) in
                guard let reserve = Self.reserve(limit, model) else { return false }
                switch number.key.unit {
                case .tokens: return limit.tokens != .input && reserve > number.max
                case .money: return Self.nanoUSD(reserve, model) > UInt128(number.max)
                case .requests, .concurrent: return false
                }
            }
            let found = models.named.filter(isTooLarge).map(\.name)
            let areOthers = others.contains(where: isTooLarge)
            guard !found.isEmpty || areOthers, !reading.isFull else { continue }
            let areAll =
                found.count == models.named.count && areOthers != models.haveCatchAll && models.areAllSound
            let which =
                areAll ? "" : " for " + (found.isEmpty ? "models that `models` does not name" : listed(found))
            let place = ConfigPath.key(path, number.key.rawValue)
            let message =
                "`\(place.text)` is less than what is reserved for a request without `max_tokens`\(which): "
                + "none ever passes"
            let hint =
                limit.defaultReserve == nil
                ? "add `default_reserve`, or raise it" : "raise it, or lower `default_reserve`"
            // Why: a shadow refuses nobody.
            let severity: Diagnostic.Severity = areAll && !limit.isShadow ? .error : .warning
            reading.note(severity, message, hint: hint, at: reading.keySpan(of: place), path: place)
        }
    }

    /// What is reserved where the request says nothing, in output tokens: the smaller of both.
    private static func reserve(_ limit: LimitConfig, _ model: ModelConfig) -> UInt64? {
        guard let reserve = limit.defaultReserve, let max = model.maxOutput else {
            return limit.defaultReserve ?? model.maxOutput
        }
        return min(reserve, max)
    }

    private static func nanoUSD(_ tokens: UInt64, _ model: ModelConfig) -> UInt128 {
        UInt128(tokens) * UInt128(model.price?.output ?? 0) / 1_000_000
    }

    /// The first number that counts what an answer may come to.
    private func placeOfCounting(_ limit: LimitConfig, _ path: ConfigPath) -> ConfigPath? {
        let number = limit.numbers.first { number in
            number.key.unit == .money || number.key.unit == .tokens && limit.tokens != .input
        }
        return number.map { .key(path, $0.key.rawValue) }
    }

    private func listed(_ names: [String]) -> String {
        names.prefix(5).map(Quoting.quoted).joined(separator: ", ") + (names.count > 5 ? ", …" : "")
    }

    private func note(_ message: String, hint: String, at place: ConfigPath) {
        reading.note(.error, message, hint: hint, at: reading.keySpan(of: place), path: place)
    }
}

/// What is known of models.
private struct SoundModels {
    /// Without those that have a mistake, which is told already.
    let named: [ModelConfig]
    /// Whether there is an entry for the models that no other entry names.
    let haveCatchAll: Bool
    /// No entry has a mistake.
    let areAllSound: Bool

    /// nil if the section could not be read.
    init?(_ models: [ModelConfig], _ reading: Reading) {
        let section = ConfigPath.key(.root, "models")
        areAllSound = reading.isSound(section)
        guard areAllSound || !models.isEmpty else { return nil }
        named = models.filter { reading.isSound(.key(section, $0.name)) }
        haveCatchAll = models.contains { $0.name == "*" }
    }
}
