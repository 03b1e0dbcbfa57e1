import Config

/// Gives an upstream the same retry budget in every generation, by its name, so that a reload in the middle
/// of trouble does not let repetitions begin anew. Generations own the budgets; the registry only remembers
/// them while one does.
final class RetryBudgetRegistry {
    private var budgets = Remembered<String, RetryBudget>()

    /// One for each upstream. Changes nothing that is served.
    func budgets(of config: GatewayConfig) -> [String: RetryBudget] {
        var found: [String: RetryBudget] = [:]
        for upstream in config.upstreams {
            found[upstream.name] =
                budgets[upstream.name] ?? RetryBudget(percent: upstream.retry.budgetPercent)
        }
        return found
    }

    /// The generation with these is about to be served: its shares hold from now on.
    func commit(_ served: [String: RetryBudget], of config: GatewayConfig) {
        budgets.sweep()
        for upstream in config.upstreams {
            guard let budget = served[upstream.name] else { continue }
            budgets[upstream.name] = budget
            budget.setPercent(upstream.retry.budgetPercent)
        }
    }
}
