/// Keys of a limit that there are not, and what was meant by them.
extension LimitConfig.Key {
    /// The numbers that there are of what an unknown key counts: `requests_per_month`, `usd_per_hour`, `rpm`.
    static func hint(forUnknown key: String) -> String? {
        guard let unit = unit(ofUnknown: key) else { return nil }
        let keys = allCases.filter { $0.unit == unit && $0 != .burst }.map { "`\($0.rawValue)`" }
        return "there is " + keys.dropLast().joined(separator: ", ") + " and " + keys[keys.count - 1]
    }

    /// A number is meant by a key that is unknown.
    static func isMeant(by key: String) -> Bool {
        Self(rawValue: key) == nil
            && (hint(forUnknown: key) != nil
                || Suggestion.nearest(to: key, among: allCases.lazy.map(\.rawValue)) != nil)
    }

    /// nil for what is there, or is no number.
    private static func unit(ofUnknown key: String) -> Unit? {
        let lower = ASCII.lowercased(key)
        guard Self(rawValue: lower) == nil else { return nil }
        if lower.utf8.count == 3, ["s", "m", "h", "d"].contains(lower.suffix(1)) {
            return ["rp": .requests, "tp": .tokens][lower.prefix(2)]
        }
        let periods = ["second", "minute", "hour", "day", "week", "month", "year"]
        guard let period = periods.first(where: { lower.hasSuffix("_per_" + $0) }) else { return nil }
        let counted = lower.dropLast("_per_".utf8.count + period.utf8.count)
        switch counted {
        case "requests", "request": return .requests
        case "tokens", "token", "input_tokens", "output_tokens": return .tokens
        case "usd", "dollars", "cost": return .money
        case _: return nil
        }
    }
}
