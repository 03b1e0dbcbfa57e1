/// Callers whom an index does not find any more and whom exchanges that run may still hold: those that others
/// with their credential took the place of, and all of the indexes that this one took the place of.
///
/// Holds nobody alive: exchanges do, and with their generation the indexes. For control; any thread.
final class FormerCallers: Sendable {
    private struct Contents {
        var replaced: [KeyDigest: [WeakCaller]] = [:]
        var indexes: [WeakIndex] = []
    }

    private struct WeakCaller: Sendable {
        weak let caller: Caller?
    }

    private struct WeakIndex: Sendable {
        weak let index: CallerIndex?
    }

    private let contents = Locked(Contents())

    /// Another with the same digest takes its place.
    func note(_ caller: Caller) {
        contents.withLock { $0.replaced[caller.digest, default: []].append(WeakCaller(caller: caller)) }
    }

    /// Another index takes the place of this one, and of all that it had taken the place of.
    func note(_ index: CallerIndex) {
        let before = index.former.contents.withLock { $0.indexes.filter { $0.index != nil } }
        contents.withLock { $0.indexes += [WeakIndex(index: index)] + before }
    }

    /// - Returns: whether somebody could come in until now and cannot any more.
    func become(_ state: Caller.State, _ digest: KeyDigest) -> Bool {
        let (replaced, indexes) = contents.withLock { ($0.replaced[digest] ?? [], $0.indexes) }
        var hasCut = false
        for case let caller? in replaced.map(\.caller) {
            hasCut = FormerCallers.become(state, caller) || hasCut
        }
        for case let index? in indexes.map(\.index) {
            if let caller = index.find(digest) { hasCut = FormerCallers.become(state, caller) || hasCut }
            for case let caller? in index.former.replaced(digest) {
                hasCut = FormerCallers.become(state, caller) || hasCut
            }
        }
        return hasCut
    }

    /// Revokes whoever is not among them.
    /// - Returns: as `become`.
    func revokeAll(but isNamed: (KeyDigest) -> Bool) -> Bool {
        var hasCut = false
        forEach { caller in
            guard !isNamed(caller.digest) else { return }
            hasCut = FormerCallers.become(.revoked, caller) || hasCut
        }
        return hasCut
    }

    func forEach(_ body: (Caller) -> Void) {
        let (replaced, indexes) = contents.withLock { (Array($0.replaced.values.joined()), $0.indexes) }
        for case let caller? in replaced.map(\.caller) { body(caller) }
        for case let index? in indexes.map(\.index) {
            index.forEach(body)
            index.former.forEachReplaced(body)
        }
    }

    /// Forgets whom no exchange holds any more.
    func prune() {
        contents.withLock { contents in
            contents.indexes.removeAll { $0.index == nil }
            guard !contents.replaced.isEmpty else { return }
            contents.replaced = contents.replaced.compactMapValues { list in
                let living = list.filter { $0.caller != nil }
                return living.isEmpty ? nil : living
            }
        }
    }

    private func replaced(_ digest: KeyDigest) -> [Caller?] {
        contents.withLock { $0.replaced[digest]?.map(\.caller) ?? [] }
    }

    private func forEachReplaced(_ body: (Caller) -> Void) {
        let replaced = contents.withLock { Array($0.replaced.values.joined()) }
        for case let caller? in replaced.map(\.caller) { body(caller) }
    }

    private static func become(_ state: Caller.State, _ caller: Caller) -> Bool {
        let isCut = caller.state == .active && state != .active
        if caller.state != state { caller.become(state) }
        return isCut
    }
}

extension CallerIndex {
    /// Every worker asks this index and no other for the entry: exchanges that came in by `old` go on, and
    /// from here on what becomes of a credential becomes of their callers too. Those whom this index does
    /// not know have lost it, unless its source cannot tell.
    /// - Returns: whether somebody could come in until now and cannot any more.
    func takeOver(_ old: CallerIndex) -> Bool {
        former.note(old)
        let canTell = inDoubtSince.load(ordering: .relaxed) == 0
        var hasCut = false
        // Why never back to active: a revocation that comes meanwhile must not be undone.
        former.forEach { caller in
            guard caller.state == .active else { return }
            switch find(caller.digest)?.state {
            case .active: return
            case .revoked: caller.become(.revoked)
            case .disabled: caller.become(.disabled)
            case nil:
                guard canTell else { return }
                caller.become(.revoked)
            }
            hasCut = true
        }
        return hasCut
    }
}
