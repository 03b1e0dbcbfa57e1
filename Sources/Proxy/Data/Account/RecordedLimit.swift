/// The number of `limits` that came nearest to deciding an exchange: the one that refused it, else the one
/// that had the least left, in proportion. Its names are texts of the record.
struct RecordedLimit: BitwiseCopyable, Sendable {
    enum Verdict: UInt8, CaseIterable {
        /// No number applied.
        case none
        case passed
        /// Over it, but it is there in `mode: shadow` and refuses nobody.
        case shadowed
        case refused
        /// It was used up while the answer ran, which was cut.
        case cut
    }

    var verdict: Verdict = .none
    var unit: LimitMeasure.Unit = .requests
    /// In the unit.
    var max: UInt64 = 0
    /// Likewise, this exchange's reservation included; without it where it was refused.
    var used: UInt64 = 0
    /// Nanoseconds until there is room; 0 where that is not known, or does not help.
    var wait: UInt64 = 0
}

extension Reservation {
    /// The entry that has the least left, in proportion; nil: there is none.
    var tightest: Int? {
        guard count > 0 else { return nil }
        var best = 0
        for index in 1..<max(1, count) where self[index].isTighter(than: self[best]) { best = index }
        return best
    }
}

extension Reservation.Entry {
    /// Compares the shares that are used: `used / max`, without a division.
    fileprivate func isTighter(than other: Reservation.Entry) -> Bool {
        let (mine, theirs) = (
            used.multipliedFullWidth(by: other.max), other.used.multipliedFullWidth(by: max)
        )
        return (mine.high, mine.low) > (theirs.high, theirs.low)
    }
}
