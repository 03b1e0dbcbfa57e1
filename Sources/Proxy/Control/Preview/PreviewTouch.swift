/// What runs, as far as one change is about it. None of it is broken by a reload, but for what `cut` counts.
struct PreviewTouch {
    /// They go on to their end by what they began with.
    private(set) var exchanges = 0
    /// Those of them whose answer is a stream of events.
    private(set) var streams = 0
    private var marks: Set<KeyDigest> = []
    /// Connections of clients that end with what they ask now, or at once where they ask nothing.
    var connections = 0
    /// Exchanges that end, because their caller is not let in any more and `on_revoke` is `cut`.
    private(set) var cut = 0
    /// Callers are read anew: how many exchanges `cut` comes to shows only then.
    var isCutUnknown = false

    /// Different ones; those of nobody in particular left out.
    var callers: Int { marks.count }
    var isNothing: Bool { exchanges == 0 && connections == 0 }

    mutating func add(_ group: RunningExchanges.Group) {
        exchanges += group.count
        streams += group.streams
        marks.formUnion(group.callers.keys)
    }

    /// - Parameter isLost: whether somebody is not let in any more.
    mutating func cut(_ group: RunningExchanges.Group, _ isLost: (KeyDigest) -> Bool) {
        for (caller, count) in group.callers where isLost(caller) { cut += count }
    }
}
