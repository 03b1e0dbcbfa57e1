/// Tokens that were verified, as callers in the index of their entry: the next request with one finds it
/// there and costs no signature. Bounded; expired ones go first, then the oldest. Any thread.
final class VerifiedTokens: Sendable {
    static let countMax = 10_000

    private struct Contents {
        var epoch = 0
        var kept: [KeyDigest: Caller] = [:]
        /// In order of arrival; those that went early are still in it.
        var order: [Caller] = []
        var next = 0
        /// Earliest `notAfter` of all, or earlier.
        var nextExpiry: UInt64 = .max
        /// Not kept any more; exchanges that run may be theirs.
        var gone: [Weak] = []
        /// Size at which the dead ones are taken out of `gone`.
        var goneMax = 1024
        /// Those that have taken over: told of whoever is verified late.
        var heir: VerifiedTokens?
    }

    private struct Weak: Sendable {
        weak let caller: Caller?
    }

    let callers: CallerIndex
    private let countMax: Int
    private let contents = Locked(Contents())

    init(_ callers: CallerIndex, countMax: Int = VerifiedTokens.countMax) {
        self.callers = callers
        self.countMax = countMax
    }

    var count: Int { contents.withLock { $0.kept.count } }

    /// Changes when what was verified may not be good any more. Taken before verifying, given to `put`.
    var epoch: Int { contents.withLock { $0.epoch } }

    /// - Parameter now: nanoseconds since 1970.
    /// - Returns: false: something has changed since `epoch`, and the token is to be looked at again.
    func put(_ caller: Caller, epoch: Int, now: UInt64) -> Bool {
        let (isGood, heir) = contents.withLock { contents -> (Bool, VerifiedTokens?) in
            guard contents.epoch == epoch else { return (false, nil) }
            if let other = contents.kept[caller.digest] { letGo(other, &contents) }
            makeRoom(&contents, now: now)
            contents.kept[caller.digest] = caller
            contents.order.append(caller)
            contents.nextExpiry = min(contents.nextExpiry, caller.notAfter)
            callers.put(caller)
            return (true, contents.heir)
        }
        heir?.remember([caller])
        return isGood
    }

    /// Takes the place of `old`: whoever it let in is one of those that are gone.
    /// - Returns: those.
    func takeOver(_ old: VerifiedTokens) -> [Caller] {
        let living = old.contents.withLock { contents in
            contents.heir = self
            return contents.gone.compactMap(\.caller) + contents.kept.values
        }
        remember(living)
        return living
    }

    private func remember(_ callers: [Caller]) {
        let heir = contents.withLock { contents in
            for caller in callers { noteGone(caller, &contents) }
            return contents.heir
        }
        heir?.remember(callers)
    }

    /// The keys have changed: every token is looked at again.
    func removeAll() {
        contents.withLock { contents in
            contents.epoch += 1
            for caller in contents.kept.values { letGo(caller, &contents) }
            contents.order = []
            contents.next = 0
            contents.nextExpiry = .max
        }
    }

    /// Users were changed or removed; nil: anybody may have been. Their tokens are looked at again.
    /// - Returns: callers of theirs that are or were kept, as far as exchanges may still hold them.
    func remove(users: [Int64]?) -> [Caller] {
        let named = users.map(Set.init)
        return contents.withLock { contents in
            contents.epoch += 1
            var found = contents.gone.compactMap(\.caller)
            found.removeAll { !(named?.contains($0.userID) ?? true) }
            for caller in contents.kept.values where named?.contains(caller.userID) ?? true {
                found.append(caller)
                letGo(caller, &contents)
            }
            return found
        }
    }

    private func makeRoom(_ contents: inout Contents, now: UInt64) {
        if contents.kept.count >= countMax, contents.nextExpiry <= now {
            for caller in contents.kept.values where caller.notAfter <= now { letGo(caller, &contents) }
            contents.nextExpiry = contents.kept.values.map(\.notAfter).min() ?? .max
        }
        while contents.kept.count >= countMax {
            let oldest = contents.order[contents.next]
            contents.next += 1
            if contents.kept[oldest.digest] === oldest { letGo(oldest, &contents) }
        }
        guard contents.order.count >= 2 * countMax else { return }
        contents.order = contents.order[contents.next...].filter { contents.kept[$0.digest] === $0 }
        contents.next = 0
    }

    private func letGo(_ caller: Caller, _ contents: inout Contents) {
        contents.kept[caller.digest] = nil
        callers.remove(caller.digest)
        noteGone(caller, &contents)
    }

    private func noteGone(_ caller: Caller, _ contents: inout Contents) {
        contents.gone.append(Weak(caller: caller))
        guard contents.gone.count >= contents.goneMax else { return }
        contents.gone.removeAll { $0.caller == nil }
        contents.goneMax = max(1024, 2 * contents.gone.count)
    }
}
