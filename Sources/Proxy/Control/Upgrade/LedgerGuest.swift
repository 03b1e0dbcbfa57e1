import CLinux

/// An older process that settles here what it had reserved before this one took over. On the thread that
/// receives its messages.
final class LedgerGuest {
    /// What it still holds of a subject, and whose.
    private struct Key: Hashable {
        let measureID: UInt32
        let subject: LimitSubject
    }

    private struct Held {
        var amount: UInt64
        let unit: LimitMeasure.Unit
        let period: LimitMeasure.Period
        var max: UInt64
    }

    private let ledger: Ledger
    private let figures: [UInt32: LimitFigures]
    /// Entries refer to them: kept as long as this.
    private var measures: [LedgerMeasureKey: LimitMeasure] = [:]
    private var held: [Key: Held] = [:]
    private let reservation = Reservation()

    /// - Parameter figures: of measures, by id.
    init(_ ledger: Ledger, figures: [UInt32: LimitFigures]) {
        self.ledger = ledger
        self.figures = figures
    }

    /// What it had counted before.
    func take(_ images: [BucketImage], at time: LimitTime) {
        for image in images {
            ledger.insert(image, at: time)
            guard image.reserved > 0 else { continue }
            let unit: LimitMeasure.Unit = image.kind == .concurrent ? .concurrent : .tokens
            held[
                Key(measureID: image.measureID, subject: image.subject),
                default: Held(
                    amount: 0, unit: unit, period: image.period, max: .max)
            ].amount += image.reserved
        }
    }

    /// - Returns: nil: no answer is wanted.
    func perform(_ call: LedgerCall) -> LedgerResult? {
        load(call.entries)
        var result = LedgerResult(number: call.number, refusal: nil, usedUp: nil, entries: [])
        switch call.kind {
        case .probe: result.refusal = ledger.probe(reservation, at: call.time)
        case .reserve:
            result.refusal = ledger.reserve(reservation, at: call.time)
            if result.refusal == nil { note(from: nil) }
        case .grow:
            let before = reservation.callEntries
            reservation.isHeld = true
            ledger.locate(reservation)
            result.usedUp = ledger.grow(reservation, to: call.charge, force: call.force, at: call.time)
            note(from: before)
        case .settle, .withdraw: end(call)
        }
        result.entries = reservation.callEntries
        reservation.isHeld = false
        return call.number == 0 ? nil : result
    }

    /// The process is gone. What it still held can end nowhere else: what ran at once is free, and of tokens
    /// and money nobody knows what they came to: they count as used.
    func leave(at time: LimitTime) {
        for (key, item) in held where item.amount > 0 {
            let entry = LedgerCallEntry(
                measureID: key.measureID, unit: item.unit, period: item.period, isShadow: false,
                growsInAnyCase: true, isBooked: true, subject: key.subject, max: item.max,
                reserved: item.amount, actual: item.unit == .concurrent ? 0 : item.amount, admittedAt: 0,
                used: 0, nextIn: 0, emptyIn: 0)
            load([entry])
            reservation.isHeld = true
            ledger.locate(reservation)
            ledger.settle(reservation, at: time)
        }
        held = [:]
    }

    private func load(_ entries: [LedgerCallEntry]) {
        reservation.reset()
        for entry in entries { reservation.add(entry, measure(of: entry)) }
    }

    private func end(_ call: LedgerCall) {
        for entry in call.entries where entry.unit != .requests && entry.isBooked {
            let key = Key(measureID: entry.measureID, subject: entry.subject)
            // Why bounded: a release of what was never reserved would end this process.
            let amount = min(entry.reserved, held[key]?.amount ?? 0)
            held[key]?.amount -= amount
            if held[key]?.amount == 0 { held[key] = nil }
            setReserved(of: entry, amount)
        }
        reservation.isHeld = true
        ledger.locate(reservation)
        if call.kind == .settle {
            ledger.settle(reservation, at: call.time)
        } else {
            ledger.withdraw(reservation, at: call.time)
        }
    }

    private func setReserved(of entry: LedgerCallEntry, _ amount: UInt64) {
        for index in 0..<reservation.count
        where reservation[index].measureID == entry.measureID && reservation[index].subject == entry.subject {
            reservation[index].reserved = amount
        }
    }

    /// What is reserved now and was not before.
    private func note(from before: [LedgerCallEntry]?) {
        for index in 0..<reservation.count {
            let entry = reservation[index]
            guard entry.unit != .requests, entry.isBooked else { continue }
            let more = entry.reserved - min(before?[index].reserved ?? 0, entry.reserved)
            guard more > 0 else { continue }
            let key = Key(measureID: entry.measureID, subject: entry.subject)
            held[key, default: Held(amount: 0, unit: entry.unit, period: entry.period, max: entry.max)]
                .amount += more
        }
    }

    private func measure(of entry: LedgerCallEntry) -> LimitMeasure {
        let key = LedgerMeasureKey(
            id: entry.measureID, unit: entry.unit, period: entry.period, isShadow: entry.isShadow)
        if let known = measures[key] { return known }
        let measure = LimitMeasure(
            id: entry.measureID, identity: "", limitName: PlanText(""), keyName: PlanText(""),
            unit: entry.unit, period: entry.period, max: max(entry.max, 1), isShadow: entry.isShadow,
            figures: figures[entry.measureID] ?? LimitFigures())
        measures[key] = measure
        return measure
    }
}

private struct LedgerMeasureKey: Hashable {
    let id: UInt32
    let unit: LimitMeasure.Unit
    let period: LimitMeasure.Period
    let isShadow: Bool
}
