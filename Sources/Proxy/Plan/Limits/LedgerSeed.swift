/// Spreads subjects over shards and places, differently in each process: a client that has many addresses
/// cannot choose those that meet in one place.
struct LedgerSeed: Sendable {
    let high: UInt64
    let low: UInt64

    static func random() -> LedgerSeed {
        LedgerSeed(high: .random(in: 1...(.max)), low: .random(in: 1...(.max)))
    }

    @inline(__always)
    func hash(_ subject: LimitSubject) -> UInt64 {
        let product = (subject.high ^ high).multipliedFullWidth(by: subject.low ^ low)
        return product.high ^ product.low
    }
}
