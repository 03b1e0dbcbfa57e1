/// What the gateway knows of a model: one entry of `models:`.
final class ModelPlan: Sendable {
    /// The key in the file: a name, or a pattern with `*`.
    let name: PlanText
    /// Output tokens of one answer at most; nil: nobody said.
    let maxOutput: UInt64?
    let price: ModelPrice?
    /// Where requests for it go, best first; empty: the entry says nothing of that.
    let targets: [ModelTarget]

    init(
        name: PlanText, maxOutput: UInt64? = nil, price: ModelPrice? = nil, targets: [ModelTarget] = []
    ) {
        self.name = name
        self.maxOutput = maxOutput
        self.price = price
        self.targets = targets
    }
}

/// What tokens cost, in billionths of a US dollar for each million of them.
struct ModelPrice: Equatable, Sendable {
    let input: UInt64
    let output: UInt64
    /// Of input tokens that the upstream had in a cache.
    let cachedInput: UInt64

    /// 10,000 dollars for a million tokens.
    static let perMillionMax: UInt64 = 10_000_000_000_000

    /// Prices above `perMillionMax` become that.
    init(input: UInt64, output: UInt64, cachedInput: UInt64) {
        self.input = min(input, ModelPrice.perMillionMax)
        self.output = min(output, ModelPrice.perMillionMax)
        self.cachedInput = min(cachedInput, ModelPrice.perMillionMax)
    }

    /// Billionths of a US dollar, rounded up; `UInt64.max` for all that is more.
    /// - Parameters:
    ///   - input: all input tokens, those from a cache included.
    ///   - cachedInput: those of them from a cache; more than `input` counts as all of them.
    func nanoUSD(input: UInt64, output: UInt64, cachedInput: UInt64) -> UInt64 {
        let cached = min(cachedInput, input)
        // 2⁶⁴ tokens at the highest price are below 2¹⁰⁸, so that the sum cannot overflow.
        let total =
            UInt128(input - cached) * UInt128(self.input) + UInt128(cached) * UInt128(self.cachedInput)
            + UInt128(output) * UInt128(self.output)
        return UInt64(clamping: (total + 999_999) / 1_000_000)
    }
}
