import CLinux

/// The ledger of the process that takes over, as the old one's workers ask it.
///
/// Until the new process serves, who asks waits, and what ends is put by. From then on counts are kept
/// there alone; should it die, what is reserved can no longer be settled anywhere, and whoever still wants to
/// reserve something is told to come back (503).
final class RemoteLedger: LedgerKeeper {
    private enum Phase: Equatable {
        /// The new process has what was counted, and does not serve yet.
        case undecided
        case serving
        /// It never served: the counts are ours again.
        case failed
        /// It has served, and is gone.
        case lost
    }

    /// How long a worker waits at most, each time.
    private static let waitMilliseconds = 3000

    private struct State {
        var phase = Phase.undecided
        /// What has ended while it is undecided: told to whoever keeps the counts then.
        var ended: [Ended] = []
        var lastNumber: UInt64 = 0
        /// Calls that somebody waits for, and what was answered to them.
        var answers: [UInt64: LedgerResult?] = [:]
        /// Reservations that nobody waits for any more: taken back should they be made after all.
        var abandoned: Set<UInt64> = []
    }

    private struct Ended: Sendable {
        let kind: LedgerCall.Kind
        let time: LimitTime
        let entries: [LedgerCallEntry]
        let measures: [LimitMeasure]
    }

    private let channel: HandoverChannel
    private let state = Awaited(State())

    init(_ channel: HandoverChannel) { self.channel = channel }

    // MARK: - What becomes of the other process

    /// It serves.
    func serves() {
        for item in move(from: .undecided, to: .serving) {
            channel.send(
                .ledger(LedgerCall(number: 0, kind: item.kind, time: item.time, entries: item.entries)))
        }
    }

    /// It will not serve: what has ended meanwhile is settled in our own ledger, which was thawed.
    func failed(_ ledger: Ledger) {
        for item in move(from: .undecided, to: .failed) {
            let reservation = Reservation()
            for (entry, measure) in zip(item.entries, item.measures) { reservation.add(entry, measure) }
            reservation.isHeld = true
            ledger.locate(reservation)
            if item.kind == .settle {
                ledger.settle(reservation, at: item.time)
            } else {
                ledger.withdraw(reservation, at: item.time)
            }
        }
    }

    /// It has ended.
    func lost() { _ = move(from: .serving, to: .lost) }

    /// On the thread that receives.
    func answered(_ result: LedgerResult) {
        let isLate = state.change { state in
            if state.answers[result.number] != nil { state.answers[result.number] = .some(result) }
            return state.abandoned.remove(result.number) != nil
        }
        guard isLate, result.refusal == nil else { return }
        let now = LimitTime(monotonic: headgate_monotonic_ns(), realtime: headgate_realtime_ns())
        channel.send(
            .ledger(LedgerCall(number: 0, kind: .withdraw, time: now, entries: result.entries)))
    }

    /// - Returns: what has ended while it was undecided.
    private func move(from old: Phase, to new: Phase) -> [Ended] {
        state.change { state in
            guard state.phase == old else { return [] }
            defer { state.ended = [] }
            state.phase = new
            return state.ended
        }
    }

    // MARK: - LedgerKeeper

    func reserve(_ reservation: Reservation, at time: LimitTime) -> LedgerKeeperAnswer<LimitRefusal?> {
        ask(.reserve, reservation, time).map(\.refusal, orLost: RemoteLedger.nobodyCounts)
    }

    func probe(_ reservation: Reservation, at time: LimitTime) -> LedgerKeeperAnswer<LimitRefusal?> {
        ask(.probe, reservation, time).map(\.refusal, orLost: RemoteLedger.nobodyCounts)
    }

    func grow(
        _ reservation: Reservation, to charge: LimitCharge, force: Bool, at time: LimitTime
    ) -> LedgerKeeperAnswer<Int?> {
        ask(.grow, reservation, time, charge: charge, force: force).map(\.usedUp, orLost: nil)
    }

    func settle(_ reservation: Reservation, at time: LimitTime) -> LedgerKeeperAnswer<Void> {
        tell(.settle, reservation, time)
    }

    func withdraw(_ reservation: Reservation, at time: LimitTime) -> LedgerKeeperAnswer<Void> {
        tell(.withdraw, reservation, time)
    }

    private static let nobodyCounts = LimitRefusal(entry: 0, reason: .tooManySubjects)

    // MARK: - Asking

    private enum Outcome {
        case result(LedgerResult)
        case yours, lost

        func map<Value>(_ value: (LedgerResult) -> Value, orLost: Value) -> LedgerKeeperAnswer<Value> {
            switch self {
            case .result(let result): .answer(value(result))
            case .yours: .yours
            case .lost: .answer(orLost)
            }
        }
    }

    private func ask(
        _ kind: LedgerCall.Kind, _ reservation: Reservation, _ time: LimitTime,
        charge: LimitCharge = LimitCharge(), force: Bool = false
    ) -> Outcome {
        guard let phase = decided() else { return .lost }
        guard phase == .serving else { return phase == .failed ? .yours : .lost }
        let number = newNumber()
        let call = LedgerCall(
            number: number, kind: kind, time: time, entries: reservation.callEntries, charge: charge,
            force: force)
        guard channel.send(.ledger(call)), let result = waitForAnswer(number) else {
            state.change { state in
                state.answers[number] = nil
                if kind == .reserve { state.abandoned.insert(number) }
            }
            return .lost
        }
        state.change { $0.answers[number] = nil }
        reservation.take(result.entries)
        return .result(result)
    }

    private func tell(
        _ kind: LedgerCall.Kind, _ reservation: Reservation, _ time: LimitTime
    ) -> LedgerKeeperAnswer<Void> {
        let entries = reservation.callEntries
        let measures = (0..<reservation.count).map { reservation[$0].measure }
        let phase = state.change { state in
            if state.phase == .undecided {
                state.ended.append(Ended(kind: kind, time: time, entries: entries, measures: measures))
            }
            return state.phase
        }
        if phase == .failed { return .yours }
        if phase == .serving {
            channel.send(.ledger(LedgerCall(number: 0, kind: kind, time: time, entries: entries)))
        }
        return .answer(())
    }

    /// What has become of the other process; nil: that cannot be waited for any longer.
    private func decided() -> Phase? {
        state.wait(milliseconds: RemoteLedger.waitMilliseconds) { state in
            state.phase == .undecided ? nil : state.phase
        }
    }

    private func newNumber() -> UInt64 {
        state.change { state in
            state.lastNumber += 1
            state.answers[state.lastNumber] = .some(nil)
            return state.lastNumber
        }
    }

    private func waitForAnswer(_ number: UInt64) -> LedgerResult? {
        let result: LedgerResult?? = state.wait(milliseconds: RemoteLedger.waitMilliseconds) { state in
            if let answer = state.answers[number] ?? nil { return .some(answer) }
            return state.phase == .serving ? nil : .some(nil)
        }
        return result ?? nil
    }
}
