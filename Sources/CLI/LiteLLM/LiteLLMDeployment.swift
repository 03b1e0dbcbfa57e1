import Config

/// One entry of `model_list`, as far as there is a counterpart.
struct LiteLLMDeployment: Equatable {
    /// Where a key comes from.
    enum Key: Hashable {
        case none
        /// In this variable.
        case variable(String)
        /// In clear in the file: compared with others, and written nowhere.
        case inClear(String)
    }

    /// Name that clients use, perhaps a pattern.
    let name: String
    let provider: String
    /// Name there, perhaps a pattern.
    let model: String
    let base: String
    /// `base` is taken from the environment in part.
    let isBaseExpanded: Bool
    let keyField: String?
    let key: Key
    /// Milliseconds; nil: not said.
    let timeout: Int64?
    let retries: Int64?
    /// Its share of the requests; nil: not said.
    let weight: Int64?
    let requestsPerMinute: Int64?
    let tokensPerMinute: Int64?
    /// Dollars for a million tokens.
    let inputPrice: String?
    let outputPrice: String?
    let cachedInputPrice: String?
    let maxOutput: Int64?

    /// Why there is no counterpart.
    struct Foreign: Error {
        let reason: String
        init(_ reason: String) { self.reason = reason }
    }

    /// - Parameter note: is told what is lost of it.
    init(_ entry: YAMLValue, note: (String) -> Void) throws(Foreign) {
        let parameters = entry["litellm_params"] ?? .null
        guard let name = entry["model_name"]?.text, let model = parameters["model"]?.text else {
            throw Foreign("it needs `model_name` and `litellm_params.model`")
        }
        self.name = name
        let base = parameters["api_base"]?.text ?? parameters["base_url"]?.text
        let parts = try LiteLLMDeployment.split(
            model, given: parameters["custom_llm_provider"]?.text, hasBase: base != nil)
        self.model = parts.model
        let provider = parts.provider
        self.provider = provider.name
        keyField = provider.keyField
        (self.base, isBaseExpanded) = try LiteLLMDeployment.base(base, of: provider)
        key = LiteLLMDeployment.key(parameters["api_key"]?.text, provider, hasBase: base != nil)
        timeout = LiteLLMText.milliseconds(parameters["timeout"])
        retries = (parameters["max_retries"] ?? parameters["num_retries"])?.integer
        weight = parameters["weight"]?.integer
        // Why both places: files of older versions have them beside `litellm_params`.
        requestsPerMinute = (parameters["rpm"] ?? entry["rpm"])?.integer
        tokensPerMinute = (parameters["tpm"] ?? entry["tpm"])?.integer
        let facts = entry["model_info"] ?? .null
        func price(_ name: String) -> String? {
            (parameters[name] ?? facts[name])?.number.flatMap(LiteLLMText.perMillion)
        }
        inputPrice = price("input_cost_per_token")
        outputPrice = price("output_cost_per_token")
        cachedInputPrice = price("cache_read_input_token_cost")
        maxOutput = (facts["max_output_tokens"] ?? facts["max_tokens"])?.integer
        noteLosses(parameters, facts, note)
    }

    /// `provider/model`, as LiteLLM reads it.
    private static func split(
        _ text: String, given: String?, hasBase: Bool
    ) throws(Foreign) -> (provider: LiteLLMProvider, model: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        let isKnown = LiteLLMProvider.named(parts[0]) != nil || LiteLLMProvider.foreign[parts[0]] != nil
        let isPrefixed = parts.count == 2 && (isKnown && given == nil || given == parts[0])
        let model = isPrefixed ? parts[1] : text
        let bare = parts.count == 1 || hasBase ? LiteLLMProvider.ofBareModel(text, hasBase: hasBase) : nil
        guard let name = given ?? (isPrefixed ? parts[0] : bare) else {
            throw Foreign("nothing says which provider has it")
        }
        guard let provider = LiteLLMProvider.named(name) else {
            let why = LiteLLMProvider.foreign[name] ?? "the provider is not known here"
            throw Foreign("provider \(name): \(why)")
        }
        guard !model.isEmpty else { throw Foreign("it names no model") }
        return (provider, model)
    }

    private static func base(
        _ given: String?, of provider: LiteLLMProvider
    ) throws(Foreign) -> (String, isExpanded: Bool) {
        guard var base = given else {
            guard let base = provider.base else {
                throw Foreign("provider \(provider.name): it needs `api_base`")
            }
            return (base, false)
        }
        if let variable = LiteLLMText.variable(base) {
            return ("${\(variable)}" + provider.baseSuffix, true)
        }
        while base.hasSuffix("/") { base.removeLast() }
        guard base.hasPrefix("http://") || base.hasPrefix("https://"), !base.contains("?") else {
            throw Foreign("its `api_base` is no URL that requests could go behind")
        }
        return (base.hasSuffix(provider.baseSuffix) ? base : base + provider.baseSuffix, false)
    }

    /// What people write where a server asks for no key.
    private static let dummies: Set<String> = [
        "", "none", "empty", "dummy", "fake", "fake-key", "null", "not-needed", "sk-none", "no-key",
        "anything",
    ]

    private static func key(_ text: String?, _ provider: LiteLLMProvider, hasBase: Bool) -> Key {
        guard let text else {
            // Why not the provider's own: it would go to somebody else's server.
            let isElsewhere = hasBase && provider.base != nil
            return isElsewhere ? .none : provider.variable.map { .variable($0) } ?? .none
        }
        if let variable = LiteLLMText.variable(text) { return .variable(variable) }
        return dummies.contains(text.lowercased()) ? .none : .inClear(text)
    }

    private static let known: Set<String> = [
        "model", "custom_llm_provider", "api_base", "base_url", "api_key", "timeout", "max_retries",
        "num_retries", "weight", "rpm", "tpm", "input_cost_per_token", "output_cost_per_token",
        "cache_read_input_token_cost",
    ]

    private func noteLosses(_ parameters: YAMLValue, _ facts: YAMLValue, _ note: (String) -> Void) {
        for member in parameters.members where !LiteLLMDeployment.known.contains(member.key) {
            // Why: the address that is used instead takes every version.
            if member.key == "api_version", provider == "azure" { continue }
            note("litellm_params.\(member.key) has no counterpart")
        }
        for member in facts.members
        where member.key.contains("cost") && !LiteLLMDeployment.known.contains(member.key) {
            note("model_info.\(member.key) has no counterpart: prices are by input and output tokens")
        }
    }
}

/// Pieces of text in LiteLLM's files.
enum LiteLLMText {
    /// `os.environ/NAME`: the name. nil: it is something else.
    static func variable(_ text: String) -> String? {
        let mark = "os.environ/"
        guard text.hasPrefix(mark) else { return nil }
        let name = String(text.dropFirst(mark.count))
        let isName = name.utf8.allSatisfy { byte in
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte & 0xDF)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
        }
        return isName && name.first?.isLetter ?? false || name.hasPrefix("_") && isName ? name : nil
    }

    /// Of seconds, perhaps with a fraction; nil: none, or nothing that a clock could count.
    static func milliseconds(_ value: YAMLValue?) -> Int64? {
        guard let text = value?.number, let seconds = Double(text), seconds > 0, seconds <= 31_536_000 else {
            return nil
        }
        return max(1, Int64((seconds * 1000).rounded()))
    }

    /// Dollars for a token as dollars for a million, without an exponent and to nine digits behind the point:
    /// `1.5e-07` is `0.15`. nil: no number, negative, or more than 10,000.
    static func perMillion(_ text: String) -> String? {
        let halves = text.lowercased().split(separator: "e", omittingEmptySubsequences: false)
        guard halves.count <= 2, let exponent = halves.count == 2 ? Int(halves[1]) : 0, abs(exponent) < 100
        else { return nil }
        let parts = halves[0].split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2 else { return nil }
        let digits = parts.joined()
        guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        // How many digits stand in front of the point, once it has moved.
        let whole = parts[0].count + exponent + 6
        let padded =
            whole > 0
            ? digits + String(repeating: "0", count: max(0, whole - digits.count))
            : String(repeating: "0", count: 1 - whole) + digits
        let split = max(1, whole)
        var front = padded.prefix(split).drop { $0 == "0" }
        if front.isEmpty { front = "0" }
        var back = padded.dropFirst(split).prefix(9)
        while back.last == "0" { back.removeLast() }
        guard front.count <= 5, let dollars = Int(front), dollars < 10_000 else { return nil }
        return back.isEmpty ? String(front) : "\(front).\(back)"
    }
}
