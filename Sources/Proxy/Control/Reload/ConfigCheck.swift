import Config

/// `headgate check`: everything that a start or a reload would find wrong, without binding and without asking
/// for names.
public struct ConfigCheck {
    public let diagnostics: [Diagnostic]
    /// `2 listeners, 7 routes, 3 upstreams`; nil where the file is no configuration.
    public let summary: String?

    public var isGood: Bool { !diagnostics.contains { $0.severity == .error } }

    public init(path: String) {
        let outcome = ConfigLoader(path: path).load()
        guard let loaded = outcome.loaded else {
            diagnostics = outcome.diagnostics
            summary = nil
            return
        }
        var preparation = AuthPreparation(
            loaded: loaded, places: outcome.places, served: AuthSet(), trigger: .start,
            mailboxes: Mailboxes(), limits: LimitRegistry(), opensStores: false)
        let auth = preparation.run()
        var builder = GenerationBuilder(
            loaded: loaded, places: outcome.places, registry: EndpointRegistry(), auth: auth,
            limits: LimitRegistry().plans(of: loaded.config),
            gates: UpstreamGateRegistry().gates(of: loaded.config),
            budgets: RetryBudgetRegistry().budgets(of: loaded.config), keys: [:], actions: nil)
        diagnostics =
            outcome.diagnostics + auth.diagnostics + builder.check()
            + AccessLogCheck(loaded, outcome.places).warnings()
        let config = loaded.config
        summary =
            "\(counted(config.listeners.count, "listener")), \(counted(config.routes.count, "route")), "
            + counted(config.upstreams.count, "upstream")
    }
}
