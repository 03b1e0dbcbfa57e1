@testable import Proxy

let minute = 60 * second
let hour = 60 * minute
let day = 24 * hour

extension LimitMeasure {
    /// A measure for tests; `id` names its counts.
    static func test(
        _ id: UInt32, _ unit: Unit, _ period: Period, max: UInt64, isShadow: Bool = false,
        figures: LimitFigures = LimitFigures()
    ) -> LimitMeasure {
        LimitMeasure(
            id: id, identity: "test/\(id)", limitName: PlanText("test"), keyName: PlanText("\(unit)"),
            unit: unit, period: period, max: max, isShadow: isShadow, figures: figures)
    }

    var shadowed: UInt64 { figures.shadowed.load(ordering: .relaxed) }
    var refused: UInt64 { figures.refused.load(ordering: .relaxed) }
    var worstOvershoot: UInt64 { figures.worstOvershoot.load(ordering: .relaxed) }
}

extension LimitSubject {
    static func test(_ number: UInt64) -> LimitSubject { LimitSubject(high: 7, low: number) }
}

extension LimitTime {
    /// Both clocks at the same number of nanoseconds.
    static func both(_ nanoseconds: UInt64) -> LimitTime {
        LimitTime(monotonic: nanoseconds, realtime: nanoseconds)
    }
}

extension Reservation {
    /// Of one measure of one subject.
    static func one(
        _ measure: LimitMeasure, _ subject: LimitSubject = .test(1), _ amount: UInt64 = 1, max: UInt64? = nil
    ) -> Reservation {
        let reservation = Reservation()
        reservation.add(measure, subject, amount: amount, max: max)
        return reservation
    }
}

extension Ledger {
    /// For tests of one bucket: one shard, whose places are the same each time.
    static func small(subjectsMax: Int = 1000) -> Ledger {
        Ledger(subjectsMax: subjectsMax, shardCount: 1, seed: LedgerSeed(high: 1, low: 2))
    }

    /// Reserves one amount, and leaves it reserved. Nil: admitted.
    func take(
        _ measure: LimitMeasure, _ amount: UInt64 = 1, _ subject: LimitSubject = .test(1), at now: UInt64
    ) -> LimitRefusal.Reason? {
        reserveOne(measure, amount, subject, at: now).refusal?.reason
    }

    /// Reserves one amount and settles it at once. Nil: admitted.
    func use(
        _ measure: LimitMeasure, _ amount: UInt64 = 1, _ subject: LimitSubject = .test(1), at now: UInt64
    ) -> LimitRefusal.Reason? {
        let (reservation, refusal) = reserveOne(measure, amount, subject, at: now)
        if let refusal { return refusal.reason }
        reservation[0].actual = amount
        settle(reservation, at: .both(now))
        return nil
    }

    private func reserveOne(
        _ measure: LimitMeasure, _ amount: UInt64, _ subject: LimitSubject, at now: UInt64
    ) -> (reservation: Reservation, refusal: LimitRefusal?) {
        let reservation = Reservation.one(measure, subject, amount)
        return (reservation, reserve(reservation, at: .both(now)))
    }
}
