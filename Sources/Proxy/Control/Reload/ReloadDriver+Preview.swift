import CLinux

extension ReloadDriver {
    /// Loads a configuration aside, as a reload would.
    func trial(_ loader: ConfigLoader) -> ConfigTrial {
        ConfigTrial(loader, served: auth.served, trigger: .request)
    }

    /// - Returns: nil: nothing is served yet.
    func preview(_ trial: ConfigTrial, _ running: RunningExchanges) -> ReloadPreview? {
        guard let served else { return nil }
        let context = ReloadPreview.Context(
            running: running, older: older, auth: auth.served, counted: limits.served,
            subjects: { [self] in countedSubjects() })
        return ReloadPreview(trial, served, context)
    }

    /// By identity of the limit's number.
    private func countedSubjects() -> [String: Int] {
        let subjects = workers.ledger.survey(at: .now).subjects
        return Dictionary(
            limits.ids.map { ($0.identity, subjects[$0.id] ?? 0) }, uniquingKeysWith: { first, _ in first })
    }
}

extension LimitTime {
    static var now: LimitTime {
        LimitTime(monotonic: headgate_monotonic_ns(), realtime: headgate_realtime_ns())
    }
}
