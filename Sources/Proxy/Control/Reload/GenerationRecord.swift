/// What control remembers of a generation that is served no more, as long as exchanges run by it.
struct GenerationRecord {
    let number: UInt64
    /// When every worker had it; nanoseconds since 1970.
    let since: UInt64
    /// When every worker had the next one; nanoseconds since 1970.
    let until: UInt64
    let trigger: Reload.Trigger
    let snapshot: ConfigSnapshot

    init(_ served: ReloadDriver.Served, until: UInt64) {
        number = served.generation.number
        since = served.since
        self.until = until
        trigger = served.trigger
        var snapshot = served.snapshot
        // Why: what is told of it are names, and the text may be long.
        snapshot.document = nil
        self.snapshot = snapshot
    }
}
