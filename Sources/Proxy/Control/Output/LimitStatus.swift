import Config

/// The part of `headgate status` about limits: what each number of them has refused since the start.
struct LimitStatus {
    /// In file order.
    let limits: [LimitPlan]
    /// Counts that the ledger remembers.
    let subjectCount: Int

    /// For people: one line in all, and one for each number that was reached.
    var lines: [String] {
        guard !limits.isEmpty || subjectCount > 0 else { return [] }
        let numbers = counted(limits.reduce(0) { $0 + $1.measures.count }, "number")
        let reached = limits.flatMap { limit in limit.measures.compactMap { line(limit, $0) } }
        let nothing = reached.isEmpty ? ", none reached" : ""
        return ["limits      \(numbers)\(nothing); \(counted(subjectCount, "count")) remembered"] + reached
    }

    func append(to json: inout JSONText) {
        json.array("limits") { json in
            for limit in limits {
                for measure in limit.measures { append(limit, measure, to: &json) }
            }
        }
        json.number("limit_subjects", subjectCount)
    }

    private func append(_ limit: LimitPlan, _ measure: LimitMeasure, to json: inout JSONText) {
        let figures = LimitNumbers(measure.figures)
        json.object { json in
            json.string("name", limit.name.bytes)
            json.string("key", measure.keyName.bytes)
            json.array("by") { json in for name in limit.subject.names { json.string(nil, name) } }
            json.raw("max", measure.unit.plain(measure.max))
            json.string("mode", measure.isShadow ? "shadow" : "enforce")
            json.number("refused", figures.refused)
            json.number("shadowed", figures.shadowed)
            json.raw("worst_overshoot", measure.unit.plain(figures.worstOvershoot))
        }
    }

    private func line(_ limit: LimitPlan, _ measure: LimitMeasure) -> String? {
        let figures = LimitNumbers(measure.figures)
        var told: [String] = []
        if figures.refused > 0 { told.append("\(figures.refused) refused") }
        if figures.shadowed > 0 { told.append("\(figures.shadowed) would have been refused") }
        if figures.worstOvershoot > 0 {
            told.append("worst overshoot \(measure.unit.forPeople(figures.worstOvershoot))")
        }
        guard !told.isEmpty else { return nil }
        let name = String(decoding: limit.name.bytes, as: UTF8.self)
        let key = String(decoding: measure.keyName.bytes, as: UTF8.self)
        let subject = limit.subject.names.joined(separator: ", ")
        let number = "\(key) \(measure.unit.forPeople(measure.max)) by \(subject)"
        return "limit       \(name) \(number): " + told.joined(separator: ", ")
    }
}

/// Figures of one number, read once.
private struct LimitNumbers {
    let refused: UInt64
    let shadowed: UInt64
    let worstOvershoot: UInt64

    init(_ figures: LimitFigures) {
        refused = figures.refused.load(ordering: .relaxed)
        shadowed = figures.shadowed.load(ordering: .relaxed)
        worstOvershoot = figures.worstOvershoot.load(ordering: .relaxed)
    }
}

extension LimitMeasure.Unit {
    /// In the unit of the file, so that money is dollars: exact, and a JSON number.
    func plain(_ amount: UInt64) -> String {
        self == .money ? Amounts.written(nanoUSD: amount) : "\(amount)"
    }

    func forPeople(_ amount: UInt64) -> String {
        self == .money ? "$" + plain(amount) : plain(amount)
    }
}

extension LimitSubjectParts {
    /// As the file writes them.
    var names: [String] {
        LimitConfig.Subject.allCases.filter { contains(LimitSubjectParts([$0])) }.map(\.rawValue)
    }
}
