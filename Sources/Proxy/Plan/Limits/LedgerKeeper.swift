/// Whoever keeps the counts when the ledger has been handed over: the process that has taken over from this
/// one. Called by workers, who wait for its answer.
///
/// Why a worker may wait here: the process is on its way out, what still asks are the few exchanges that had
/// begun before the hand-over, and an answer takes some 50 µs. Without it two ledgers would each admit up to
/// the limit.
protocol LedgerKeeper: AnyObject, Sendable {
    /// As `Ledger.reserve`: fills in the entries. `isHeld` is set by the ledger.
    func reserve(_ reservation: Reservation, at time: LimitTime) -> LedgerKeeperAnswer<LimitRefusal?>
    func probe(_ reservation: Reservation, at time: LimitTime) -> LedgerKeeperAnswer<LimitRefusal?>
    func grow(
        _ reservation: Reservation, to charge: LimitCharge, force: Bool, at time: LimitTime
    ) -> LedgerKeeperAnswer<Int?>
    func settle(_ reservation: Reservation, at time: LimitTime) -> LedgerKeeperAnswer<Void>
    func withdraw(_ reservation: Reservation, at time: LimitTime) -> LedgerKeeperAnswer<Void>
}

enum LedgerKeeperAnswer<Value> {
    case answer(Value)
    /// The hand-over has failed: the ledger keeps its counts itself again.
    case yours
}
