import Testing

@testable import Proxy

private func reservation(_ shares: [(used: UInt64, max: UInt64)]) -> Reservation {
    let reservation = Reservation()
    for (index, share) in shares.enumerated() {
        let measure = LimitMeasure(
            id: UInt32(index + 1), identity: "\(index)", limitName: PlanText("l"), keyName: PlanText("n"),
            unit: .requests, period: .minute, max: share.max)
        measures.append(measure)
        reservation.add(measure, .everybody, amount: 1)
        reservation[index].used = share.used
    }
    return reservation
}

/// Why kept: an entry does not hold its measure.
private nonisolated(unsafe) var measures: [LimitMeasure] = []

@Suite(.tags(.fast), .serialized) struct RecordedLimitTests {
    @Test func `the number with the least left in proportion is the tightest`() {
        #expect(reservation([]).tightest == nil)
        #expect(reservation([(0, 10)]).tightest == 0)
        #expect(reservation([(5, 10), (60, 100), (1, 3)]).tightest == 1)
        #expect(reservation([(5, 10), (5, 10)]).tightest == 0, "the first of equals")
        #expect(reservation([(.max - 1, .max), (2, 2)]).tightest == 1, "no overflow")
        #expect(reservation([(3, 2), (9, 10)]).tightest == 0, "over it")
    }
}
