import CLinux

/// What stands between a source of callers and its index, for `status`.
struct SourceProblem: Equatable, Sendable {
    /// Nanoseconds since 1970.
    let since: UInt64
    let text: String
}

extension CallerIndex {
    /// From now on, or from when it was put in doubt first.
    func putInDoubt() {
        _ = inDoubtSince.compareExchange(
            expected: 0, desired: headgate_monotonic_ns(), ordering: .relaxed)
    }

    func clearDoubt() { inDoubtSince.store(0, ordering: .relaxed) }

    var isDoubted: Bool { inDoubtSince.load(ordering: .relaxed) != 0 }
}
