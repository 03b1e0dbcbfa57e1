/// One window as it stands at a moment, and the sub-windows that amounts are booked in.
///
/// A window of a fixed length has 60 sub-windows. The current one counts and the 60 before it: so no window
/// of that length, wherever it begins, ever holds more than the limit, and what is used comes back at most
/// one sub-window late. A calendar month is one sub-window.
struct LimitWindow: Sendable {
    static let subWindowsBefore: UInt64 = 60

    /// Of the clock that the window goes by, in nanoseconds.
    let now: UInt64
    /// Nanoseconds; 0 for a month, whose length differs.
    let length: UInt64
    /// The sub-window that holds `now`: how many of them since the clock's zero; months since January 1970.
    let current: UInt64
    /// The oldest sub-window that counts.
    let oldest: UInt64
    /// Nanoseconds from one sub-window to the next; 0 for a month.
    let step: UInt64
    /// Nanoseconds: added to what `step` comes to.
    private let offset: UInt64

    /// - Parameter step: rounded up, lest 60 of them be shorter than the window.
    @inline(__always)
    init(length: UInt64, step: UInt64, now: UInt64) {
        self.now = now
        self.length = length
        self.step = step
        current = now / step
        oldest = current > LimitWindow.subWindowsBefore ? current &- LimitWindow.subWindowsBefore : 0
        offset = 0
    }

    /// Of a log: `current` is left out.
    @inline(__always)
    init(logLength: UInt64, step: UInt64, now: UInt64) {
        self.now = now
        length = logLength
        self.step = step
        current = 0
        oldest = 0
        offset = 0
    }

    @inline(__always)
    init(month: CalendarMonth, now: UInt64) {
        self.now = now
        length = 0
        step = 0
        current = month.number
        oldest = month.number
        offset = month.ends
    }

    /// Of what runs at once: there is no window.
    @inline(__always)
    init(now: UInt64) {
        self.now = now
        length = 0
        step = 0
        current = 0
        oldest = 0
        offset = 0
    }

    /// When what is booked in a sub-window that counts counts no more, by the window's clock.
    @inline(__always)
    func end(of subWindow: UInt64) -> UInt64 {
        (subWindow &+ LimitWindow.subWindowsBefore &+ 1) &* step &+ offset
    }

    /// With the sub-windows that the window of a log lacks.
    var whole: LimitWindow { LimitWindow(length: length, step: step, now: now) }

    /// Nanoseconds from now; 0 where it is past.
    @inline(__always)
    func wait(until moment: UInt64) -> UInt64 { moment > now ? moment &- now : 0 }

    /// The sub-window of a moment that counts; nil: of a month that is over.
    func subWindow(of moment: UInt64) -> UInt64? {
        if step > 0 { return moment / step }
        let month = CalendarMonth(at: moment).number
        return month == current ? month : nil
    }
}
