@testable import Proxy

/// What the ledger should hold: every event in a list, and sums over all of it.
struct LedgerModel {
    struct Key: Hashable {
        var id: UInt32
        var subject: LimitSubject
    }

    struct Event {
        var time: UInt64
        var amount: UInt64
        var reservation: Int
    }

    struct Bucket {
        let unit: LimitMeasure.Unit
        let period: LimitMeasure.Period
        var events: [Event] = []
        /// By number of the reservation.
        var held: [Int: UInt64] = [:]
        /// A log and slots by turns: when a request counts no more is known to a sub-window.
        var isBlurred = false
        var isLog: Bool

        var reserved: UInt64 { held.values.reduce(0, +) }

        init(_ measure: LimitMeasure, max: UInt64) {
            unit = measure.unit
            period = measure.period
            isLog = Bucket.isLog(measure, max: max)
        }

        static func isLog(_ measure: LimitMeasure, max: UInt64) -> Bool {
            measure.unit == .requests && measure.period.rawValue <= 1 && max <= 10_000
        }

        /// Nanoseconds of the window and of its sub-windows.
        var length: UInt64 {
            switch period {
            case .second: second
            case .minute: 60 * second
            case .hour: 3600 * second
            case .day, .month, .none: 86_400 * second
            }
        }
        var step: UInt64 { period == .second ? 16_666_667 : length / 60 }

        func isRealtime() -> Bool { period == .day || period == .month }

        /// Settled in the window that ends at `now`, however it is kept.
        func least(_ now: UInt64) -> UInt64 {
            sum { period == .month ? LedgerModel.month($0) == LedgerModel.month(now) : $0 + length > now }
        }

        /// The same, and what may still count.
        func most(_ now: UInt64) -> UInt64 {
            period == .month ? least(now) : sum { ($0 / step + 61) * step > now }
        }

        /// What the ledger counts.
        func counted(_ now: UInt64) -> ClosedRange<UInt64> {
            if isBlurred { return least(now)...most(now) }
            let exact = isLog ? least(now) : most(now)
            return exact...exact
        }

        private func sum(_ counts: (UInt64) -> Bool) -> UInt64 {
            events.reduce(0) { counts($1.time) ? $0 + $1.amount : $0 }
        }
    }

    var buckets: [Key: Bucket] = [:]
    var time = LimitTime(monotonic: 0, realtime: 0)

    func now(_ bucket: Bucket) -> UInt64 { bucket.isRealtime() ? time.realtime : time.monotonic }

    /// Clocks never go back.
    mutating func advance(to time: LimitTime) {
        self.time.monotonic = max(self.time.monotonic, time.monotonic)
        self.time.realtime = max(self.time.realtime, time.realtime)
        for (key, bucket) in buckets {
            let now = now(bucket)
            buckets[key]!.events.removeAll { $0.time + 40 * 86_400 * second < now }
        }
    }

    /// Settled, what is reserved, and a new amount.
    func range(_ entry: Reservation.Entry, adding amount: UInt64 = 0) -> ClosedRange<UInt64> {
        let key = Key(id: entry.measure.id, subject: entry.subject)
        guard let bucket = buckets[key] else { return amount...amount }
        let counted = bucket.counted(now(bucket))
        let more = bucket.reserved + amount
        return counted.lowerBound + more...counted.upperBound + more
    }

    mutating func noteKind(_ entry: Reservation.Entry) {
        let key = Key(id: entry.measure.id, subject: entry.subject)
        let isLog = Bucket.isLog(entry.measure, max: entry.max)
        if let bucket = buckets[key], bucket.isLog != isLog {
            buckets[key]!.isBlurred = true
            buckets[key]!.isLog = isLog
        }
    }

    mutating func book(_ reservation: Reservation, number: Int) {
        for index in 0..<reservation.count {
            let entry = reservation[index]
            let key = Key(id: entry.measure.id, subject: entry.subject)
            var bucket = buckets[key] ?? Bucket(entry.measure, max: entry.max)
            if entry.measure.unit == .requests {
                bucket.events.append(Event(time: now(bucket), amount: 1, reservation: number))
            } else {
                bucket.held[number] = entry.reserved
            }
            buckets[key] = bucket
        }
    }

    /// - Parameter isWithdrawn: as though it had never been.
    mutating func end(_ reservation: Reservation, number: Int, isWithdrawn: Bool) {
        for index in 0..<reservation.count {
            let entry = reservation[index]
            let key = Key(id: entry.measure.id, subject: entry.subject)
            var bucket = buckets[key]!
            bucket.held[number] = nil
            if isWithdrawn {
                bucket.events.removeAll { $0.reservation == number }
            } else if entry.measure.unit != .requests, entry.measure.unit != .concurrent {
                bucket.events.append(Event(time: now(bucket), amount: entry.actual, reservation: number))
            }
            buckets[key] = bucket
        }
    }

    /// What of this is left after a crash: what is durable; what was reserved counts as used now.
    func afterCrash(at time: LimitTime) -> LedgerModel {
        var left = LedgerModel()
        left.time = time
        for (key, bucket) in buckets where bucket.isRealtime() {
            var bucket = bucket
            bucket.events = bucket.events.map {
                Event(time: min($0.time, time.realtime), amount: $0.amount, reservation: -1)
            }
            bucket.events.append(Event(time: time.realtime, amount: bucket.reserved, reservation: -1))
            bucket.held = [:]
            left.buckets[key] = bucket
        }
        return left
    }

    static func month(_ realtime: UInt64) -> UInt64 { CalendarMonth(at: realtime).number }
}
