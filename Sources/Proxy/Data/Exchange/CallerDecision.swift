/// Who may come in: the entries of a route's `auth` are asked in their order, and each accepts, rejects, says
/// that the credential is not its own, or has control decide.
///
/// Pure: no look-up, no clock. `Worker` says what a credential is to an entry and does what comes back.
struct CallerDecision {
    /// What a request brings.
    enum Presented: Equatable {
        case none
        case one(forms: CredentialSchemes, looksLikeJWT: Bool)
        case conflicting
    }

    /// What an entry's index says of the credential.
    enum Finding: Equatable {
        /// Of those, `malformed` does not even begin as the entry's keys do.
        case unknown, malformed
        case active, revoked, disabled, expired

        var isNobody: Bool {
            switch self {
            case .unknown, .malformed: true
            case .active, .revoked, .disabled, .expired: false
            }
        }
    }

    /// What one entry comes to.
    enum Verdict: Equatable {
        /// Somebody whom the index has.
        case accept
        /// Nobody in particular.
        case acceptAnyone
        case refuse(LocalReply)
        /// Control decides, and no entry after this is asked.
        case ask
        case notMine
    }

    let presented: Presented
    /// A source that was asked, and did not know the credential, may have become out of date.
    private var isInDoubt = false
    /// What the entries for keys made of it.
    private var keyEntries = KeyEntries.none
    private enum KeyEntries { case none, malformedForAll, unknown }
    /// Of the first entry that takes credentials.
    private var rejectStatus: UInt16 = 0

    init(_ presented: Presented) { self.presented = presented }

    /// Whether the entry's index is to be looked into, which costs a digest.
    func needsLookup(_ auth: AuthPlan) -> Bool {
        guard case .one(let forms, let looksLikeJWT) = presented, !forms.isDisjoint(with: auth.schemes) else {
            return false
        }
        switch auth.mode {
        case .open: return false
        case .keys: return true
        case .jwt: return looksLikeJWT
        }
    }

    /// - Parameters:
    ///   - finding: `.unknown` where no look-up was needed.
    ///   - isInDoubt: of the entry's source.
    mutating func consider(_ auth: AuthPlan, _ finding: Finding, isInDoubt: Bool) -> Verdict {
        if case .open(ignoresCredentials: true) = auth.mode { return .acceptAnyone }
        guard presented != .conflicting else { return .refuse(.conflictingCredentials) }
        if case .open = auth.mode { return presented == .none ? .acceptAnyone : .notMine }
        if rejectStatus == 0 { rejectStatus = auth.rejectStatus }
        if case .keys = auth.mode {
            let fits = keyEntries != .unknown && finding == .malformed
            keyEntries = fits ? .malformedForAll : .unknown
        }
        guard needsLookup(auth) else { return .notMine }
        if case .jwt = auth.mode { return CallerDecision.verdict(ofToken: finding) }
        if finding.isNobody && isInDoubt { self.isInDoubt = true }
        return CallerDecision.verdict(ofKey: finding)
    }

    private static func verdict(ofKey finding: Finding) -> Verdict {
        switch finding {
        case .active: .accept
        case .revoked, .disabled: .refuse(.credentialInactive)
        case .expired: .refuse(.credentialExpired)
        case .unknown, .malformed: .notMine
        }
    }

    /// The index holds only tokens that were verified once: what became of the others, control says.
    private static func verdict(ofToken finding: Finding) -> Verdict {
        switch finding {
        case .active: .accept
        case .revoked, .disabled: .refuse(.credentialInactive)
        case .unknown, .malformed, .expired: .ask
        }
    }

    /// No entry has accepted.
    var refusal: LocalReply {
        if isInDoubt { return .authBackendUnavailable }
        if presented == .none { return .credentialMissing }
        // Only entries that take no credential at all were there.
        if rejectStatus == 0 { return .credentialRefused }
        return switch keyEntries {
        // Those for tokens would have decided on one.
        case .none: .tokenInvalid
        case .malformedForAll: .credentialMalformed
        case .unknown: .credentialUnknown
        }
    }

    /// Status of a refusal that is not an entry's own.
    var refusalStatus: UInt16 { rejectStatus == 0 ? 401 : rejectStatus }
}
