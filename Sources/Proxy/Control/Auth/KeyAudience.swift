import Stores

/// One `user-keys` entry as the thread of its store sees it: which keys it takes, and the index they go to.
///
/// Belongs to that thread.
final class KeyAudience: @unchecked Sendable {
    let acceptsKeys: Bool
    let acceptsSessions: Bool
    private let ignoresOwnLimits: Bool
    private var editor: CallerEditor

    init(
        _ callers: CallerIndex, acceptsKeys: Bool, acceptsSessions: Bool, ignoresOwnLimits: Bool = false
    ) {
        self.ignoresOwnLimits = ignoresOwnLimits
        editor = CallerEditor(callers)
        self.acceptsKeys = acceptsKeys
        self.acceptsSessions = acceptsSessions
    }

    var callers: CallerIndex { editor.callers }

    /// - Parameter now: seconds since 1970.
    func apply(_ changes: KeyChanges, now: Int64) {
        var named: Set<KeyDigest> = []
        if changes.isComplete, callers.count > 0 { named.reserveCapacity(changes.changed.count) }
        let sweeps = changes.isComplete && callers.count > 0
        for var row in changes.changed {
            let digest = KeyDigest(row.digest)
            guard accepts(row.kind) else {
                // Why: it may have been of another kind.
                editor.remove(digest)
                continue
            }
            if sweeps { named.insert(digest) }
            if ignoresOwnLimits { row.requestsPerMinute = nil }
            editor.put(Caller(row, digest: digest, now: now))
        }
        for digest in changes.removed { editor.remove(KeyDigest(digest)) }
        if sweeps { editor.removeAll(but: named) }
    }

    func revoke(_ digest: KeyDigest) { editor.revoke(digest) }

    /// Whether somebody lost their access since the last call.
    func takeCut() -> Bool {
        defer { editor.hasCut = false }
        return editor.hasCut
    }

    func takeUses() -> [CallerEditor.Use] { editor.takeUses() }

    private func accepts(_ kind: ClientKey.Kind) -> Bool {
        switch kind {
        case .key: acceptsKeys
        case .session: acceptsSessions
        }
    }
}

extension Caller {
    /// - Parameter now: seconds since 1970.
    convenience init(_ row: KeyRow, digest: KeyDigest, now: Int64) {
        let isRevoked = row.revokedAt.map { $0 <= now } ?? false
        self.init(
            digest: digest, keyID: row.id, userID: row.userID,
            notAfter: row.expiresAt.map(nanosecondsSince1970) ?? .max, label: PlanText(row.label),
            requestsPerMinute: UInt32(clamping: row.requestsPerMinute ?? 0),
            models: row.models.isEmpty ? nil : ModelList(row.models),
            state: isRevoked ? .revoked : row.isUserActive ? .active : .disabled)
    }
}

/// - Parameter seconds: since 1970; what lies before or beyond counts as the first or last moment.
func nanosecondsSince1970(_ seconds: Int64) -> UInt64 {
    let (product, overflow) = UInt64(max(0, seconds)).multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? .max : product
}
