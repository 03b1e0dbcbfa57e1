import CLinux
import Glibc

/// The ledger of the process that takes over, as the old one's workers ask it.
///
/// Until the new process serves, who asks waits: its answer may never come. From then on counts are kept
/// there alone; should it die, what is reserved can no longer be settled anywhere, and whoever still wants to
/// reserve something is told to come back (503).
final class RemoteLedger: LedgerKeeper, @unchecked Sendable {
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

    private let channel: HandoverChannel
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var phase = Phase.undecided
    private var lastNumber: UInt64 = 0
    private var answers: [UInt64: LedgerResult] = [:]
    private var awaited: Set<UInt64> = []

    init(_ channel: HandoverChannel) {
        self.channel = channel
        mutex.initialize(to: pthread_mutex_t())
        changed.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(changed, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    // MARK: - What becomes of the other process

    /// It serves.
    func serves() { move(from: .undecided, to: .serving) }
    /// It will not serve. After the ledger was thawed.
    func failed() { move(from: .undecided, to: .failed) }
    /// It has ended.
    func lost() { move(from: .serving, to: .lost) }

    /// On the thread that receives.
    func answered(_ result: LedgerResult) {
        pthread_mutex_lock(mutex)
        if awaited.contains(result.number) { answers[result.number] = result }
        pthread_cond_broadcast(changed)
        pthread_mutex_unlock(mutex)
    }

    private func move(from old: Phase, to new: Phase) {
        pthread_mutex_lock(mutex)
        if phase == old { phase = new }
        pthread_cond_broadcast(changed)
        pthread_mutex_unlock(mutex)
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
            forget(number)
            return .lost
        }
        reservation.take(result.entries)
        return .result(result)
    }

    private func tell(
        _ kind: LedgerCall.Kind, _ reservation: Reservation, _ time: LimitTime
    ) -> LedgerKeeperAnswer<Void> {
        guard let phase = decided() else { return .answer(()) }
        if phase == .failed { return .yours }
        if phase == .serving {
            let entries = reservation.callEntries
            channel.send(.ledger(LedgerCall(number: 0, kind: kind, time: time, entries: entries)))
        }
        return .answer(())
    }

    /// What has become of the other process; nil: that cannot be waited for any longer.
    private func decided() -> Phase? {
        wait { phase == .undecided ? nil : phase }
    }

    private func waitForAnswer(_ number: UInt64) -> LedgerResult? {
        let result: LedgerResult?? = wait {
            if let answer = answers.removeValue(forKey: number) {
                awaited.remove(number)
                return .some(answer)
            }
            return phase == .serving ? nil : .some(nil)
        }
        return result ?? nil
    }

    private func newNumber() -> UInt64 {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        lastNumber += 1
        awaited.insert(lastNumber)
        return lastNumber
    }

    private func forget(_ number: UInt64) {
        pthread_mutex_lock(mutex)
        awaited.remove(number)
        answers[number] = nil
        pthread_mutex_unlock(mutex)
    }

    /// Waits until there is a value; nil: not in time.
    private func wait<Value>(_ value: () -> Value?) -> Value? {
        let end = headgate_monotonic_ns() + UInt64(RemoteLedger.waitMilliseconds) * 1_000_000
        var deadline = timespec(
            tv_sec: Int(end / 1_000_000_000), tv_nsec: Int(end % 1_000_000_000))
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let value = value() { return value }
            guard pthread_cond_timedwait(changed, mutex, &deadline) != ETIMEDOUT else { return value() }
        }
    }
}
