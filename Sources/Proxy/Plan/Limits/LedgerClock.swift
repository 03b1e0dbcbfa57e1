/// The time as one shard of the ledger knows it: it never goes back, whoever comes with an older one (a
/// worker reads its clocks once a turn).
struct LedgerClock: Sendable {
    /// A calendar that is set back by less stands still until it has caught up; set back by more, it was
    /// wrong before, and what was booked at times that are now to come counts as booked now.
    static let stepBackMax: UInt64 = 3_600_000_000_000

    /// Nanoseconds.
    private(set) var monotonic: UInt64 = 0
    /// Nanoseconds since 1970.
    private(set) var realtime: UInt64 = 0
    private(set) var month = CalendarMonth(at: 0)

    /// Returns whether the calendar was set back: by more than `stepBackMax`.
    @inline(__always)
    mutating func advance(to time: LimitTime) -> Bool {
        if time.monotonic > monotonic { monotonic = time.monotonic }
        let isSetBack = time.realtime < realtime
        if isSetBack, realtime &- time.realtime <= LedgerClock.stepBackMax { return false }
        realtime = time.realtime
        if realtime >= month.ends || isSetBack { month = CalendarMonth(at: realtime) }
        return isSetBack
    }

    /// Of the clock that windows of this length go by, in nanoseconds.
    @inline(__always)
    func now(of period: LimitMeasure.Period) -> UInt64 {
        switch period {
        case .second, .minute, .hour, .none: monotonic
        case .day, .month: realtime
        }
    }

    /// Of a log, which is not kept by sub-windows: they are left out.
    @inline(__always)
    func logWindow(of period: LimitMeasure.Period) -> LimitWindow {
        period == .second
            ? LimitWindow(logLength: 1_000_000_000, step: 16_666_667, now: monotonic)
            : LimitWindow(logLength: 60_000_000_000, step: 1_000_000_000, now: monotonic)
    }

    @inline(__always)
    func window(of period: LimitMeasure.Period) -> LimitWindow {
        switch period {
        case .second: LimitWindow(length: 1_000_000_000, step: 16_666_667, now: monotonic)
        case .minute: LimitWindow(length: 60_000_000_000, step: 1_000_000_000, now: monotonic)
        case .hour: LimitWindow(length: 3_600_000_000_000, step: 60_000_000_000, now: monotonic)
        case .day: LimitWindow(length: 86_400_000_000_000, step: 1_440_000_000_000, now: realtime)
        case .month: LimitWindow(month: month, now: realtime)
        case .none: LimitWindow(now: monotonic)
        }
    }
}
