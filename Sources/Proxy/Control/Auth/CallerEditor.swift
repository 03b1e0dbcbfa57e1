/// Keeps one index as its source wants it. Belongs to the thread of the source.
///
/// Callers that stay the same stay the same objects. One that changes is replaced by a new object, and
/// remembered for as long as an exchange holds it: a later revocation reaches that exchange as well, as it
/// reaches those of the entry's indexes before this one.
struct CallerEditor {
    let callers: CallerIndex
    /// Somebody who could come in cannot any more, since this was last set to false.
    var hasCut = false
    /// Uses that replaced and removed callers had when they went.
    private var carried: [Use] = []

    /// What a caller was used since the last look.
    struct Use: Equatable {
        let digest: KeyDigest
        let keyID: Int64
        var count: UInt32
        /// Nanoseconds since 1970.
        let last: UInt64
    }

    init(_ callers: CallerIndex) { self.callers = callers }

    /// Makes the caller with this digest what `wanted` is.
    mutating func put(_ wanted: Caller) {
        if let known = callers.find(wanted.digest) {
            if known.isLike(wanted) {
                become(wanted.state, known)
            } else {
                callers.put(wanted)
                carryUses(of: known)
                callers.former.note(known)
            }
        } else {
            callers.put(wanted)
        }
        becomeFormer(wanted.state, wanted.digest)
    }

    mutating func remove(_ digest: KeyDigest) {
        if let known = callers.remove(digest) {
            carryUses(of: known)
            become(.revoked, known)
        }
        becomeFormer(.revoked, digest)
    }

    /// Removes whoever is not among them.
    mutating func removeAll(but named: Set<KeyDigest>) {
        var others: [KeyDigest] = []
        callers.forEach { if !named.contains($0.digest) { others.append($0.digest) } }
        for digest in others { remove(digest) }
        if callers.former.revokeAll(but: named.contains) { hasCut = true }
    }

    mutating func revoke(_ digest: KeyDigest) {
        if let known = callers.find(digest) { become(.revoked, known) }
        becomeFormer(.revoked, digest)
    }

    /// What has been used since the last call. Forgets replaced callers that no exchange holds any more.
    mutating func takeUses() -> [Use] {
        var uses = carried
        carried = []
        if callers.takeIsUsed() { callers.forEach { CallerEditor.append($0, to: &uses) } }
        callers.former.prune()
        return uses
    }

    private mutating func become(_ state: Caller.State, _ known: Caller) {
        if known.state == .active, state != .active { hasCut = true }
        known.become(state)
    }

    private mutating func becomeFormer(_ state: Caller.State, _ digest: KeyDigest) {
        if callers.former.become(state, digest) { hasCut = true }
    }

    private mutating func carryUses(of caller: Caller) { CallerEditor.append(caller, to: &carried) }

    private static func append(_ caller: Caller, to uses: inout [Use]) {
        let (count, last) = caller.takeUses()
        guard count > 0 else { return }
        uses.append(Use(digest: caller.digest, keyID: caller.keyID, count: count, last: last))
    }
}

extension Caller {
    /// Whether it differs in its state alone.
    fileprivate func isLike(_ other: Caller) -> Bool {
        keyID == other.keyID && userID == other.userID && notAfter == other.notAfter
            && requestsPerMinute == other.requestsPerMinute && label.text == other.label.text
            && models?.names == other.models?.names
    }
}

extension PlanText {
    var text: String { String(decoding: bytes, as: UTF8.self) }
}
