/// Of one endpoint: which ejections have been told of.
struct EjectionWatch {
    enum Change: Equatable {
        case ejected
        case back
    }

    /// Ejections since the process began.
    private var told: UInt64
    private var isOut = false

    /// What was before is not told of.
    init(_ figures: EndpointHealth.Figures) { told = figures.ejections }

    /// - Parameter now: monotonic nanoseconds.
    mutating func look(_ figures: EndpointHealth.Figures, now: UInt64) -> Change? {
        if figures.ejections != told {
            told = figures.ejections
            isOut = true
            return .ejected
        }
        guard isOut, figures.ejectedUntil <= now else { return nil }
        isOut = false
        return .back
    }
}
