/// What entries of `models:` that only say where to, or refuse, have from others.
///
/// Why: whoever writes `gpt-*: openrouter` for the way has not meant to take the price away that `"*"` has.
extension ModelConfig {
    /// The same entries. One with a target and without a price, or without `max_output`, has it from the
    /// entry of the model that it leads to under another name, else from the entry that would be its own
    /// without it.
    static func withFacts(_ models: [ModelConfig]) -> [ModelConfig] {
        guard models.contains(where: \.lacksFacts) else { return models }
        let priced = models.filter { $0.price != nil }.byPrecedence
        let bounded = models.filter { $0.maxOutput != nil }.byPrecedence
        return models.map { model in
            guard model.lacksFacts else { return model }
            let names = model.targets.compactMap(\.model) + [model.name]
            var filled = model
            filled.price = model.price ?? names.lazy.compactMap { priced.first(fitting: $0)?.price }.first
            filled.maxOutput =
                model.maxOutput ?? names.lazy.compactMap { bounded.first(fitting: $0)?.maxOutput }.first
            return filled
        }
    }

    private var lacksFacts: Bool { (isRefused || !targets.isEmpty) && (price == nil || maxOutput == nil) }
}

extension [ModelConfig] {
    /// Names first, then patterns with the longest literal beginning; else as in the file.
    fileprivate var byPrecedence: [ModelConfig] {
        enumerated().sorted { left, right in
            let (one, other) = (rank(left.element), rank(right.element))
            return one == other ? left.offset < right.offset : one > other
        }.map(\.element)
    }

    private func rank(_ model: ModelConfig) -> Int {
        model.isPattern ? model.literalPrefix.utf8.count : .max
    }

    fileprivate func first(fitting name: String) -> ModelConfig? { first { $0.fits(name) } }
}
