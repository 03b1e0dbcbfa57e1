/// `models.NAME`: what the gateway knows of a model, and where requests for it go.
public struct ModelConfig: Equatable, Sendable {
    /// As requests name it, or a pattern in which `*` stands for any number of any characters.
    public var name: String
    /// Output tokens of one answer at most; nil: not said.
    public var maxOutput: UInt64?
    public var price: ModelPriceConfig?
    /// Where requests for it go with `to: models`, best first; empty: the entry says nothing of that.
    public var targets: [ModelTargetConfig] = []
    /// The name goes on without the literal beginning of the pattern. Default false.
    public var stripPrefix = false
    /// Requests for it are answered with 404, whatever other entries say. Default false.
    public var isRefused = false

    /// Of a pattern, what is before its first `*`; the whole name of what is none.
    public var literalPrefix: String { String(name.unicodeScalars.prefix { $0 != "*" }) }

    var isPattern: Bool { name.unicodeScalars.contains("*") }
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
        let target = node.optional(
            "upstream", .modelTarget,
            "Where requests for it go with `to: models`: `UPSTREAM`, or `UPSTREAM/MODEL` for another name there."
        )
        let several = node.optional(
            "first_of", .distinct(.list(.modelTarget, nonEmpty: true)),
            "Several of these, best first: the next is asked where one fails before it has answered.")
        targets = target.map { [$0] } ?? several ?? []
        stripPrefix = node.value(
            "strip_prefix", .bool, default: "false",
            "Send the name on without the literal beginning of the pattern: `local/*` becomes what the star stands for."
        )
        isRefused = node.value(
            "refuse", .bool, default: "false",
            "With `to: models`, requests for it get 404: for names that a wider pattern would let through.")
        for key in ["upstream", "first_of"] where isRefused && node.has(key) {
            node.fail(
                key, "`\(key)` cannot stand with `refuse: true`\(node.path.inside)",
                hint: "remove one of them")
        }
        if node.has("upstream") {
            node.fail(
                "first_of", "only one of `upstream` or `first_of` can stand\(node.path.inside)",
                hint: "put all of them into `first_of`")
        }
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
