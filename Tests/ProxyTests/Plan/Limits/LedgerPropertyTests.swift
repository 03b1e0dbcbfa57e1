import Testing

@testable import Proxy

/// One ledger and its model, driven by chance.
private struct LedgerTrial {
    var random: SeededGenerator
    var ledger: Ledger
    var model = LedgerModel()
    /// As of the last time that all changes were taken.
    var saved = LedgerModel()
    var store: [LedgerModel.Key: BucketState] = [:]
    /// Of all generations: entries do not keep their measures alive.
    var measures: [[LimitMeasure]]
    var held: [(number: Int, reservation: Reservation)] = []
    var time = LimitTime(monotonic: 1000 * second, realtime: 1_790_000_000 * second)
    /// What the ledger is told: workers come late, and calendars are set back.
    var shown = LimitTime(monotonic: 0, realtime: 0)
    var number = 0
    var admitted = 0
    var refused = 0
    let shardCount: Int

    static let kinds: [(LimitMeasure.Unit, LimitMeasure.Period, [UInt64], isShadow: Bool)] = [
        (.requests, .second, [2, 5], false), (.requests, .minute, [3, 9, 20_000], false),
        (.tokens, .minute, [400, 1000], false), (.money, .day, [2000, 5000], false),
        (.money, .month, [9000, 20_000], false), (.concurrent, .none, [2, 4], false),
        (.inputTokens, .hour, [100], true), (.requests, .day, [12, 40], false),
    ]

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        shardCount = seed % 2 == 0 ? 1 : 4
        ledger = Ledger(shardCount: shardCount, seed: LedgerSeed(high: 3, low: UInt64(shardCount)))
        measures = LedgerTrial.kinds.indices.map { index in
            let (unit, period, maxima, isShadow) = LedgerTrial.kinds[index]
            return [.test(UInt32(index), unit, period, max: maxima[0], isShadow: isShadow)]
        }
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    mutating func step() {
        advance()
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<55: reserve()
        case 55..<65: grow()
        case 65..<88: end()
        case 88..<93: edit()
        case 93..<98: takeChanges()
        default: crash()
        }
        lookAtAll()
    }

    private mutating func advance() {
        let scales = [second / 100, second / 3, 20 * second, 1000 * second, 30_000 * second]
        let scale = scales[min(scales.count - 1, Int.random(in: 0..<20, using: &random) / 3)]
        let isLong = chance(1)
        let span = UInt64.random(in: 0...scale, using: &random) + (isLong ? 20 * 86_400 * second : 0)
        if scale < 1000 * second || chance(30) {
            time.monotonic += span
            time.realtime += span
        }
        shown = time
        if chance(10) { shown.realtime -= UInt64.random(in: 0...3000 * second, using: &random) }
        if chance(10) { shown.monotonic -= UInt64.random(in: 0...second, using: &random) }
        model.advance(to: shown)
        for subject in UInt64(0)..<3 {
            _ = ledger.peek(measure: measures[0][0], subject: .test(subject), max: 1, at: shown)
        }
    }

    private mutating func reserve() {
        let reservation = Reservation()
        for index in measures.indices.shuffled(using: &random).prefix(Int.random(in: 1...4, using: &random)) {
            let measure = measures[index].last!
            let amount: UInt64
            switch measure.unit {
            case .requests, .concurrent: amount = 1
            case .inputTokens, .outputTokens, .tokens: amount = .random(in: 0...300, using: &random)
            case .money: amount = .random(in: 0...900, using: &random)
            }
            let own = chance(5) ? UInt64.random(in: 1...10, using: &random) : nil
            reservation.add(
                measure, .test(.random(in: 0..<3, using: &random)), amount: amount, max: own)
        }
        let probed = ledger.probe(reservation, at: shown)
        for index in 0..<reservation.count { model.noteKind(reservation[index]) }
        let refusal = ledger.reserve(reservation, at: shown)
        #expect(probed == refusal)
        if let refusal { expectRight(refusal, reservation) } else { expectRoom(reservation) }
    }

    private mutating func expectRoom(_ reservation: Reservation) {
        admitted += 1
        for index in 0..<reservation.count {
            let entry = reservation[index]
            let range = model.range(entry, adding: entry.reserved)
            #expect(range.contains(entry.used))
            let isWithin = entry.max >= range.lowerBound
            #expect(isWithin || entry.measure.isShadow, "\(entry) holds \(range)")
        }
        for index in 0..<reservation.count { reservation[index].growsInAnyCase = chance(30) }
        number += 1
        model.book(reservation, number: number)
        held.append((number, reservation))
    }

    private mutating func expectRight(_ refusal: LimitRefusal, _ reservation: Reservation) {
        refused += 1
        #expect(!reservation.isHeld)
        let entry = reservation[refusal.entry]
        #expect(!entry.measure.isShadow)
        #expect(model.range(entry, adding: entry.reserved).upperBound > entry.max, "needless: \(entry)")
        let key = LedgerModel.Key(id: entry.measure.id, subject: entry.subject)
        switch refusal.reason {
        case .tooLarge: #expect(entry.reserved > entry.max)
        case .tooManySubjects: Issue.record("there is room for all")
        case .full(let wait):
            guard let bucket = model.buckets[key], !bucket.isBlurred else { return }
            let now = model.now(bucket)
            let rest = bucket.reserved + entry.reserved
            if wait == 0 {
                #expect(rest > entry.max)
            } else {
                #expect(bucket.counted(now + wait).upperBound + rest <= entry.max)
                #expect(bucket.counted(now + wait - 1).lowerBound + rest > entry.max)
            }
        }
    }

    private mutating func grow() {
        guard let (number, reservation) = held.randomElement(using: &random) else { return }
        let isForced = chance(40)
        let charge = LimitCharge(
            inputTokens: .random(in: 0...250, using: &random),
            outputTokens: .random(in: 0...250, using: &random), nanoUSD: .random(in: 0...1500, using: &random)
        )
        var isOver = false
        var grown: [(LedgerModel.Key, UInt64)] = []
        for index in 0..<reservation.count {
            let entry = reservation[index]
            let amount = entry.measure.amount(of: charge)
            guard entry.unit.isSpending, amount > entry.reserved else { continue }
            grown.append((LedgerModel.Key(id: entry.measure.id, subject: entry.subject), amount))
            let after = model.range(entry, adding: amount - entry.reserved).lowerBound
            if after > entry.max, !entry.measure.isShadow, !entry.growsInAnyCase { isOver = true }
        }
        let usedUp = ledger.grow(reservation, to: charge, force: isForced, at: shown)
        let hasGrown = usedUp == nil
        #expect(hasGrown == (isForced || !isOver))
        guard hasGrown else { return }
        for (key, amount) in grown { model.buckets[key]!.held[number] = amount }
    }

    private mutating func end() {
        guard let index = held.indices.randomElement(using: &random) else { return }
        let (number, reservation) = held.remove(at: index)
        let isWithdrawn = chance(30)
        for index in 0..<reservation.count {
            reservation[index].actual = .random(in: 0...reservation[index].reserved * 3 / 2, using: &random)
        }
        if isWithdrawn {
            ledger.withdraw(reservation, at: shown)
        } else {
            ledger.settle(reservation, at: shown)
        }
        #expect(!reservation.isHeld)
        model.end(reservation, number: number, isWithdrawn: isWithdrawn)
    }

    /// A reload: the same identity, another number.
    private mutating func edit() {
        let index = measures.indices.randomElement(using: &random)!
        let (unit, period, maxima, isShadow) = LedgerTrial.kinds[index]
        let max = maxima.randomElement(using: &random)!
        measures[index].append(
            .test(
                UInt32(index), unit, period, max: max, isShadow: isShadow,
                figures: measures[index][0].figures))
    }

    private mutating func takeChanges() {
        let max = Int.random(in: 1...6, using: &random)
        while true {
            let states = ledger.takeChanges(max: max)
            #expect(states.count <= max)
            for state in states {
                store[LedgerModel.Key(id: state.measureID, subject: state.subject)] = state
            }
            if states.count < max { break }
        }
        saved = model
    }

    private mutating func crash() {
        for (_, reservation) in held { reservation.isHeld = false }
        held = []
        ledger = Ledger(shardCount: shardCount, seed: LedgerSeed(high: 3, low: UInt64(shardCount)))
        ledger.restore(Array(store.values), at: shown)
        model = saved.afterCrash(at: shown)
        takeChanges()
    }

    private mutating func lookAtAll() {
        for (key, bucket) in model.buckets {
            let measure = measures[Int(key.id)].last!
            let stands = ledger.peek(measure: measure, subject: key.subject, max: measure.max, at: shown)
            let counted = bucket.counted(model.now(bucket))
            let least = counted.lowerBound + bucket.reserved
            let most = counted.upperBound + bucket.reserved
            // Why not `#expect`: this is asked a hundred thousand times.
            if stands.used < least || stands.used > most || stands.nextIn > stands.emptyIn {
                Issue.record("\(key) at \(model.time): \(stands), not \(least) to \(most)")
            }
        }
    }
}

@Suite(.tags(.fast)) struct LedgerPropertyTests {
    @Test(arguments: UInt64(1)...20)
    func `the ledger is right whatever happens, also over reloads and crashes`(seed: UInt64) {
        var trial = LedgerTrial(seed: seed)
        for _ in 0..<300 { trial.step() }
        #expect(trial.admitted > 50 && trial.refused > 10, "admitted \(trial.admitted), \(trial.refused)")
    }
}
