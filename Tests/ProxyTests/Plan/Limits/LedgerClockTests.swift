import Testing

@testable import Proxy

// Covers CalendarMonth.swift, LimitWindow.swift

@Suite(.tags(.fast)) struct LedgerClockTests {
    @Test(arguments: [
        // Seconds since 1970; months; when it begins; days.
        (UInt64(0), UInt64(0), UInt64(0), UInt64(31)), (2_678_399, 0, 0, 31), (2_678_400, 1, 2_678_400, 28),
        (951_782_400, 361, 949_363_200, 29), (1_709_251_199, 649, 1_706_745_600, 29),
        (1_709_251_200, 650, 1_709_251_200, 31), (1_798_761_599, 683, 1_796_083_200, 31),
        (1_798_761_600, 684, 1_798_761_600, 31), (4_107_542_400, 1562, 4_107_542_400, 31),
    ])
    func `months are those of the calendar`(seconds: UInt64, number: UInt64, begins: UInt64, days: UInt64) {
        let month = CalendarMonth(at: seconds * second)
        #expect(month.number == number && month.begins == begins * second)
        #expect(month.ends == (begins + days * 86_400) * second)
    }

    @Test func `the last moment of all has a month`() {
        let month = CalendarMonth(at: .max)
        #expect(month.number == (2554 - 1970) * 12 + 6 && month.ends == .max)
    }

    @Test func `the clock never goes back, but for a calendar that was wrong`() {
        var clock = LedgerClock()
        for (monotonic, realtime, isSetBack) in [
            (UInt64(50), 9 * hour, false), (40, 8 * hour, false), (60, 8 * hour - 1, true),
            (60, 40 * day, false),
        ] {
            let before = clock
            let hasMoved = clock.advance(to: LimitTime(monotonic: monotonic, realtime: realtime))
            #expect(hasMoved == isSetBack && clock.monotonic >= before.monotonic)
            #expect(clock.realtime == (isSetBack ? realtime : max(realtime, before.realtime)))
        }
        #expect(clock.monotonic == 60 && clock.month.number == 1)
        _ = clock.advance(to: LimitTime(monotonic: 60, realtime: 3 * day))
        #expect(clock.month.number == 0)
    }

    @Test func `a window has 61 sub-windows, a month is one`() {
        var clock = LedgerClock()
        _ = clock.advance(to: LimitTime(monotonic: 10 * hour, realtime: 1000 * day))
        for (period, length, current) in [
            (LimitMeasure.Period.second, second, 10 * hour / 16_666_667), (.minute, minute, 36_000),
            (.hour, hour, 600), (.day, day, 60_000),
        ] {
            let window = clock.window(of: period)
            #expect(window.length == length && window.current == current && window.oldest == current - 60)
            #expect(window.end(of: window.current) >= window.now + length)
            #expect(window.end(of: window.oldest) > window.now)
            #expect(window.subWindow(of: window.now) == current)
            #expect(clock.now(of: period) == window.now)
        }
        let month = clock.window(of: .month)
        #expect(month.current == 32 && month.oldest == 32 && month.end(of: 32) == clock.month.ends)
        #expect(month.subWindow(of: 1000 * day) == 32 && month.subWindow(of: 900 * day) == nil)
        #expect(month.wait(until: 1001 * day) == day && month.wait(until: 999 * day) == 0)
        #expect(clock.logWindow(of: .minute).whole.current == clock.window(of: .minute).current)
        #expect(clock.window(of: .none).length == 0)
    }
}
