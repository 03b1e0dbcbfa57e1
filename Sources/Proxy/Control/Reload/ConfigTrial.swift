import Config

/// A configuration that is loaded and compiled aside: everything that a start or a reload would find wrong,
/// without binding, without opening a store and without asking for names. Nothing of it is ever served.
struct ConfigTrial {
    let outcome: LoadOutcome
    let diagnostics: [Diagnostic]
    /// Empty where the file is no configuration.
    let auth: AuthSet

    /// nil: `diagnostics` holds at least one error.
    var loaded: LoadedConfig? { isGood ? outcome.loaded : nil }
    var isGood: Bool { outcome.loaded != nil && !diagnostics.contains { $0.severity == .error } }

    /// - Parameters:
    ///   - served: what is served meanwhile: entries that mean the same are taken from here.
    ///   - trigger: what it is as though it had been set off by.
    init(_ loader: ConfigLoader, served: AuthSet = AuthSet(), trigger: Reload.Trigger = .start) {
        outcome = loader.load()
        guard let loaded = outcome.loaded else {
            diagnostics = outcome.diagnostics
            auth = AuthSet()
            return
        }
        // Why a registry of its own: ids are for what is served.
        let limits = LimitRegistry()
        var preparation = AuthPreparation(
            loaded: loaded, places: outcome.places, served: served, trigger: trigger,
            mailboxes: Mailboxes(), limits: limits, opensStores: false)
        auth = preparation.run()
        var builder = GenerationBuilder(
            loaded: loaded, places: outcome.places, registry: EndpointRegistry(), auth: auth,
            limits: limits.plans(of: loaded.config),
            gates: UpstreamGateRegistry().gates(of: loaded.config),
            budgets: RetryBudgetRegistry().budgets(of: loaded.config), keys: [:], actions: nil)
        diagnostics =
            outcome.diagnostics + auth.diagnostics + builder.check()
            + AccessLogCheck(loaded, outcome.places).warnings()
    }
}
