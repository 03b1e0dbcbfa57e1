/// Times of requests in classes, each bounded by what people ask for. A bound belongs to its class.
enum DurationBucket {
    /// Those with a bound, and the one without.
    static let count = 13

    /// Nanoseconds; `.max` for the last one. No two lie between the same powers of two: `index` relies on it.
    static func bound(_ index: Int) -> UInt64 {
        switch index {
        case 0: 1_000_000
        case 1: 5_000_000
        case 2: 25_000_000
        case 3: 100_000_000
        case 4: 250_000_000
        case 5: 500_000_000
        case 6: 1_000_000_000
        case 7: 2_500_000_000
        case 8: 5_000_000_000
        case 9: 10_000_000_000
        case 10: 30_000_000_000
        case 11: 120_000_000_000
        case _: .max
        }
    }

    /// Which class a time belongs to: the number of its bits leaves one bound to compare with.
    @inline(__always)
    static func index(_ nanoseconds: UInt64) -> Int {
        let nearest = nearest(bits: UInt64.bitWidth - nanoseconds.leadingZeroBitCount)
        return nanoseconds > bound(nearest) ? nearest + 1 : nearest
    }

    /// The first class whose bound has at least as many bits. Why a switch: it becomes a table of constants.
    private static func nearest(bits: Int) -> Int {
        switch bits {
        case ...20: 0
        case 21...23: 1
        case 24...25: 2
        case 26...27: 3
        case 28: 4
        case 29: 5
        case 30: 6
        case 31...32: 7
        case 33: 8
        case 34: 9
        case 35: 10
        case 36...37: 11
        case _: 12
        }
    }
}
