/// When a set of keys is fetched: every `refresh` while that works, with growing pauses while it does not,
/// and at once when a key is wanted that is not known, but not more often than every `forcedPause`.
///
/// Pure: times come in as monotonic nanoseconds, chance as a fraction.
struct FetchSchedule {
    /// Between two fetches that somebody's token has caused: whoever makes tokens up must not make requests.
    static let forcedPause: UInt64 = 10_000_000_000
    static let backOffFirst: UInt64 = 1_000_000_000
    static let backOffMax: UInt64 = 60_000_000_000

    /// `refresh` of the entry.
    let refresh: UInt64
    /// The next fetch is due; 0: at once.
    private(set) var nextAt: UInt64 = 0
    private var forcedAt: UInt64?
    private var failures = 0

    init(refresh: UInt64) { self.refresh = refresh }

    /// A token names a key that is not known.
    /// - Returns: false: it has been looked for a moment ago.
    mutating func force(now: UInt64) -> Bool {
        if let forcedAt, now < forcedAt + FetchSchedule.forcedPause { return false }
        forcedAt = now
        nextAt = now
        return true
    }

    /// - Parameter chance: 0 to 1; takes up to a tenth off, so that many gateways do not come at once.
    mutating func succeeded(now: UInt64, chance: Double) {
        failures = 0
        nextAt = now + FetchSchedule.jittered(refresh, chance, tenths: 1)
    }

    /// - Parameter chance: as above; takes up to half off.
    mutating func failed(now: UInt64, chance: Double) {
        failures += 1
        let pause = min(FetchSchedule.backOffFirst << UInt64(min(failures - 1, 6)), FetchSchedule.backOffMax)
        nextAt = now + FetchSchedule.jittered(min(pause, refresh), chance, tenths: 5)
    }

    private static func jittered(_ pause: UInt64, _ chance: Double, tenths: UInt64) -> UInt64 {
        pause - UInt64(Double(pause / 10 * tenths) * min(max(chance, 0), 1))
    }
}
