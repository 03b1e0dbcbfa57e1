/// One shard of a `CallerIndex`: open addressing with linear probing over references to callers.
///
/// Grows by a quarter, so that 100,000 keys cost 8 bytes each for between 1.2 and 1.5 places.
struct CallerTable: Sendable {
    private(set) var count = 0
    /// A caller, or nothing.
    private(set) var places: [Caller?] = Array(repeating: nil, count: 8)

    func find(_ digest: KeyDigest) -> Caller? {
        var place = home(of: digest)
        while let caller = places[place] {
            if caller.digest == digest { return caller }
            place = place + 1 == places.count ? 0 : place + 1
        }
        return nil
    }

    mutating func put(_ caller: Caller) {
        if (count + 1) * 6 > places.count * 5 { grow() }
        var place = home(of: caller.digest)
        while let other = places[place] {
            if other.digest == caller.digest {
                places[place] = caller
                return
            }
            place = place + 1 == places.count ? 0 : place + 1
        }
        places[place] = caller
        count += 1
    }

    mutating func remove(_ digest: KeyDigest) -> Caller? {
        var place = home(of: digest)
        while let caller = places[place] {
            if caller.digest == digest {
                places[place] = nil
                count -= 1
                close(gapAt: place)
                return caller
            }
            place = place + 1 == places.count ? 0 : place + 1
        }
        return nil
    }

    /// Callers behind a gap that probed over it are put in again.
    private mutating func close(gapAt gap: Int) {
        var place = gap + 1 == places.count ? 0 : gap + 1
        while let caller = places[place] {
            places[place] = nil
            count -= 1
            put(caller)
            place = place + 1 == places.count ? 0 : place + 1
        }
    }

    private mutating func grow() {
        let old = places
        places = Array(repeating: nil, count: max(8, old.count * 5 / 4 + 8))
        count = 0
        for case let caller? in old { put(caller) }
    }

    /// Maps the digest onto the places evenly, whatever their number.
    private func home(of digest: KeyDigest) -> Int {
        Int(digest.words.0.multipliedFullWidth(by: UInt64(places.count)).high)
    }
}
