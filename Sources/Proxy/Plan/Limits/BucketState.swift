/// What a bucket holds that outlives the process, for the store.
struct BucketState: Equatable, Sendable {
    struct Slot: Equatable, Sendable {
        /// Of a day: a sixtieth of it (1440 s) counted from 1970. Of a month: months since January 1970.
        var index: UInt64
        /// In the measure's unit.
        var amount: UInt64
    }

    var measureID: UInt32
    /// `day` or `month`.
    var period: LimitMeasure.Period
    var subject: LimitSubject
    /// Oldest first.
    var slots: [Slot]
    /// By exchanges that still run.
    var reserved: UInt64
}
