/// What has come of reloads since the start.
struct ReloadFigures {
    private(set) var reloaded: UInt64 = 0
    private(set) var unchanged: UInt64 = 0
    private(set) var failed: UInt64 = 0
    /// Of the last attempt, nanoseconds since 1970; 0 for none.
    private(set) var lastAt: UInt64 = 0
    /// What is on disk is not what is served.
    private(set) var hasFailedLast = false

    mutating func note(_ result: ReloadReport.Result, at time: UInt64) {
        switch result {
        case .reloaded: reloaded += 1
        case .unchanged: unchanged += 1
        case .failed: failed += 1
        }
        lastAt = time
        hasFailedLast = result == .failed
    }
}
