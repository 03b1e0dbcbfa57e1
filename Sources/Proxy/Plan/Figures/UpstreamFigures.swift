/// What was used at an upstream, as far as its answers were read, for `/metrics`. Outlives generations.
final class UpstreamFigures: Sendable {
    enum Kind: Int, CaseIterable { case inputTokens, outputTokens, cachedInputTokens }

    private let counters: WorkerCounters

    init(workers: Int) { counters = WorkerCounters(workers: workers, count: Kind.allCases.count) }

    /// Worker.
    func note(_ amount: UInt64, _ kind: Kind, worker: Int) {
        counters.add(amount, to: kind.rawValue, worker: worker)
    }

    /// Control.
    func sum(_ kind: Kind) -> UInt64 { counters.sum(kind.rawValue) }
}
