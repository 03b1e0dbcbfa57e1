/// `models.NAME`: what the gateway knows of a model.
public struct ModelConfig: Equatable, Sendable {
    /// As requests name it, or a pattern in which `*` stands for any number of any characters.
    public var name: String
    /// Output tokens of one answer at most; nil: not said.
    public var maxOutput: UInt64?
    public var price: ModelPriceConfig?
}

/// In billionths of a US dollar for a million tokens; up to 10,000 dollars.
public struct ModelPriceConfig: Equatable, Sendable {
    public var input: UInt64
    public var output: UInt64
    /// Of input tokens that the upstream had in a cache. Default: as `input`.
    public var cachedInput: UInt64
}

extension ModelConfig {
    init(_ node: MappingReader) {
        name = node.name
        maxOutput = node.optional(
            "max_output", .count(1...LimitConfig.tokensMax),
            "Output tokens of one answer at most: what is reserved for a request that names no maximum.")
        price = node.optional(
            "price", .mapping(ModelPriceConfig.init), "US dollars for a million tokens, for `usd_per_…`.")
    }
}

extension ModelPriceConfig {
    init(_ node: MappingReader) {
        let price = Form<UInt64>.dollars(0...10_000 * Amounts.nanosPerDollar)
        input = node.required("input", price, "For a million input tokens.")
        output = node.required("output", price, "For a million output tokens.")
        cachedInput =
            node.optional(
                "cached_input", price,
                "For a million input tokens that the upstream had in a cache. Default: as `input`.") ?? input
    }
}

extension NameRule {
    /// Why hardly anything is refused: names are other people's, such as `openai/gpt-oss-20b:free`.
    static let models = NameRule(
        text: "1 to 256 bytes without control characters", pattern: "^.{1,256}$"
    ) { name in
        (1...256).contains(name.utf8.count) && name.unicodeScalars.allSatisfy { !Quoting.isUnsafe($0) }
    }
}
