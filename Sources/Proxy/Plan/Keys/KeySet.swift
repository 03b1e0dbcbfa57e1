/// The keys that one request may go out with. Immutable; what becomes of each key is in the key.
final class KeySet: Sendable {
    enum Choice: Sendable, Equatable {
        /// The first that the upstream takes: a chain of sources.
        case first
        /// By weight, among those that neither were refused nor have been used too much.
        case weighted
    }

    /// At most `keysMax`.
    let keys: [UpstreamCredential]
    let choice: Choice
    /// Where all were refused, control may come by another one.
    let canRenew: Bool

    /// Keys of one upstream: as many as an exchange can tell apart.
    static let keysMax = 64

    init(_ keys: [UpstreamCredential], choice: Choice, canRenew: Bool = false) {
        self.keys = Array(keys.prefix(KeySet.keysMax))
        self.choice = choice
        self.canRenew = canRenew
    }

    /// - Parameters:
    ///   - tried: bit n: the n-th has been tried by this exchange.
    ///   - random: 64 random bits.
    /// - Returns: nil: none is left that the upstream may take.
    func pick(tried: UInt64, now: UInt64, random: UInt64) -> Int? {
        switch choice {
        // Why one that was refused, where there is no other: it may be good again.
        case .first:
            return keys.indices.first { isLeft($0, tried, now) } ?? (tried == 0 ? keys.indices.first : nil)
        case .weighted: return pickByWeight(tried, now, random)
        }
    }

    private func isLeft(_ index: Int, _ tried: UInt64, _ now: UInt64) -> Bool {
        tried & 1 << UInt64(index) == 0 && !keys[index].isRefused(now: now)
    }

    /// Those that cool down are taken where no other is left: the one that is done first.
    private func pickByWeight(_ tried: UInt64, _ now: UInt64, _ random: UInt64) -> Int? {
        var total = 0
        for index in keys.indices where isLeft(index, tried, now) && !keys[index].isCooling(now: now) {
            total += keys[index].weight
        }
        guard total > 0 else {
            guard tried == 0 else { return nil }
            let left = keys.indices.filter { isLeft($0, tried, now) }
            return (left.isEmpty ? Array(keys.indices) : left).min {
                keys[$0].cooledUntil.load(ordering: .relaxed) < keys[$1].cooledUntil.load(ordering: .relaxed)
            }
        }
        var drawn = Int(UInt64(total).multipliedFullWidth(by: random).high)
        for index in keys.indices where isLeft(index, tried, now) && !keys[index].isCooling(now: now) {
            drawn -= keys[index].weight
            if drawn < 0 { return index }
        }
        return nil
    }
}
