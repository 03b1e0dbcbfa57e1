@testable import Proxy

extension LimitMeasure {
    /// - Parameter key: of the number; nil: the usual one of its unit and period.
    static func sample(
        _ unit: Unit, _ period: Period, max: UInt64, name: String = "per-key", key: String? = nil,
        isShadow: Bool = false
    ) -> LimitMeasure {
        let counted =
            switch unit {
            case .requests: "requests"
            case .tokens, .inputTokens, .outputTokens: "tokens"
            case .money: "usd"
            case .concurrent: "concurrent"
            }
        let keyName = key ?? (period == .none ? counted : "\(counted)_per_\(period)")
        return LimitMeasure(
            id: 1, identity: "\(name)/\(keyName)", limitName: PlanText(name), keyName: PlanText(keyName),
            unit: unit, period: period, max: max, isShadow: isShadow)
    }
}

/// A reservation with the standings that the ledger would leave in it. Keeps its measures, which a
/// reservation does not.
final class ReservationSample {
    let reservation = Reservation()
    private var measures: [LimitMeasure] = []

    func add(
        _ measure: LimitMeasure, used: UInt64, amount: UInt64 = 1, nextIn: UInt64 = 0, emptyIn: UInt64 = 0,
        max: UInt64? = nil
    ) {
        measures.append(measure)
        reservation.add(measure, .everybody, amount: amount, max: max)
        reservation[reservation.count - 1].used = used
        reservation[reservation.count - 1].nextIn = nextIn
        reservation[reservation.count - 1].emptyIn = emptyIn
    }
}
