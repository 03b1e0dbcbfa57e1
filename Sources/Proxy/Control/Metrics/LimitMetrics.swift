import Synchronization

/// The part of `/metrics` about limits: what each number of them has refused since the start.
struct LimitMetrics {
    /// In file order.
    let limits: [LimitPlan]
    /// Counts that the ledger remembers.
    let subjectCount: Int

    private var numbers: [(labels: [UInt8], measure: LimitMeasure)] {
        limits.flatMap { limit in
            limit.measures.map { measure in
                let name = String(decoding: limit.name.bytes, as: UTF8.self)
                let key = String(decoding: measure.keyName.bytes, as: UTF8.self)
                return (MetricsText.labels(("limit", name), ("number", key)), measure)
            }
        }
    }

    func append(to text: inout MetricsText) {
        let numbers = numbers
        text.family("headgate_limit_refused_total", .counter, "Requests that a number of a limit refused.")
        for number in numbers {
            text.sample(number.labels, number.measure.figures.refused.load(ordering: .relaxed))
        }
        text.family(
            "headgate_limit_shadow_refused_total", .counter,
            "Requests that a number would have refused, but for mode: shadow.")
        for number in numbers {
            text.sample(number.labels, number.measure.figures.shadowed.load(ordering: .relaxed))
        }
        text.family(
            "headgate_limit_worst_overshoot", .gauge,
            "The most by which anybody was over a number: requests, tokens or dollars.")
        for number in numbers {
            let worst = number.measure.figures.worstOvershoot.load(ordering: .relaxed)
            switch number.measure.unit {
            // Billionths of a dollar are to dollars what nanoseconds are to seconds.
            case .money: text.sample(number.labels, nanoseconds: worst)
            case .requests, .concurrent, .inputTokens, .outputTokens, .tokens:
                text.sample(number.labels, worst)
            }
        }
        text.family("headgate_limit_subjects", .gauge, "Counts of callers that are remembered.")
        text.sample(UInt64(clamping: subjectCount))
    }
}
