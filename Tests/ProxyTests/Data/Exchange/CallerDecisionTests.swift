import Testing

@testable import Proxy

/// What a credential can be to one entry.
private struct Case: CustomStringConvertible {
    var presented: CallerDecision.Presented
    var finding: CallerDecision.Finding = .unknown
    var isInDoubt = false

    var description: String { "\(presented) \(finding)\(isInDoubt ? " in doubt" : "")" }
}

private let jwt = CallerDecision.Presented.one(forms: .bearer, looksLikeJWT: true)
private let key = CallerDecision.Presented.one(forms: .bearer, looksLikeJWT: false)
private let raw = CallerDecision.Presented.one(forms: .raw, looksLikeJWT: false)
private let rawJWT = CallerDecision.Presented.one(forms: .raw, looksLikeJWT: true)
private let basic = CallerDecision.Presented.one(forms: [], looksLikeJWT: false)
private let presentations: [CallerDecision.Presented] = [.none, .conflicting, jwt, key, raw, rawJWT, basic]
private let findings: [CallerDecision.Finding] = [
    .unknown, .malformed, .active, .revoked, .disabled, .expired,
]

private enum Mode: CaseIterable {
    case open, openIgnoring, keys, jwt

    func plan(_ schemes: CredentialSchemes = .bearer, status: UInt16 = 401) -> AuthPlan {
        let mode: AuthPlan.Mode =
            switch self {
            case .open: .open(ignoresCredentials: false)
            case .openIgnoring: .open(ignoresCredentials: true)
            case .keys: .keys
            case .jwt: .jwt(answerer: Answerer())
            }
        return AuthPlan(
            name: "\(self)", mode: mode, callers: CallerIndex(), schemes: schemes, rejectStatus: status)
    }
}

/// The rules of one entry, written down a second time as a list: the first that fits counts.
private func expected(_ mode: Mode, _ schemes: CredentialSchemes, _ it: Case) -> CallerDecision.Verdict {
    if mode == .openIgnoring { return .acceptAnyone }
    if it.presented == .conflicting { return .refuse(.conflictingCredentials) }
    if mode == .open { return it.presented == .none ? .acceptAnyone : .notMine }
    guard case .one(let forms, let looksLikeJWT) = it.presented else { return .notMine }
    if forms.intersection(schemes).isEmpty { return .notMine }
    if mode == .jwt && !looksLikeJWT { return .notMine }
    switch (mode, it.finding) {
    case (_, .active): return .accept
    case (_, .revoked), (_, .disabled): return .refuse(.credentialInactive)
    case (.keys, .expired): return .refuse(.credentialExpired)
    case (.keys, .unknown), (.keys, .malformed): return .notMine
    case (.jwt, .expired), (.jwt, .unknown), (.jwt, .malformed): return .ask
    default: fatalError("\(mode) \(it)")
    }
}

@Suite(.tags(.fast)) struct CallerDecisionTests {
    @Test func `every mode decides on every credential as its rules say`() {
        var count = 0
        for mode in Mode.allCases {
            for schemes in [CredentialSchemes.bearer, .raw, [.bearer, .raw]] {
                for presented in presentations {
                    for finding in findings {
                        for isInDoubt in [false, true] {
                            let it = Case(presented: presented, finding: finding, isInDoubt: isInDoubt)
                            let plan = mode.plan(schemes)
                            var decision = CallerDecision(presented)
                            let verdict = decision.consider(plan, finding, isInDoubt: isInDoubt)
                            #expect(verdict == expected(mode, schemes, it), "\(mode) \(schemes) \(it)")
                            count += 1
                        }
                    }
                }
            }
        }
        #expect(count == 4 * 3 * 7 * 6 * 2)
    }

    /// What a route with these entries comes to; `asks` and `ok` stand for the two that are no refusal.
    private func outcome(_ modes: [Mode], _ it: Case, status: UInt16 = 401) -> String {
        var decision = CallerDecision(it.presented)
        for mode in modes {
            let plan = mode.plan(status: status)
            let finding = decision.needsLookup(plan) ? it.finding : .unknown
            switch decision.consider(plan, finding, isInDoubt: it.isInDoubt) {
            case .accept: return "caller"
            case .acceptAnyone: return "anyone"
            case .refuse(let reply): return "\(reply)"
            case .ask: return "ask"
            case .notMine: continue
            }
        }
        return "\(decision.refusal) \(decision.refusalStatus)"
    }

    @Test func `the first entry that accepts or rejects decides, and nobody's credential is refused`() {
        let unknown = Case(presented: key)
        let token = Case(presented: jwt)
        let table: [(modes: [Mode], it: Case, outcome: String)] = [
            ([.open], Case(presented: .none), "anyone"),
            ([.open], unknown, "credentialRefused 401"),
            ([.open], Case(presented: .conflicting), "conflictingCredentials"),
            ([.openIgnoring], Case(presented: .conflicting), "anyone"),
            ([.openIgnoring, .keys], unknown, "anyone"),
            ([.keys], Case(presented: .none), "credentialMissing 401"),
            ([.keys], Case(presented: .none, isInDoubt: true), "credentialMissing 401"),
            ([.keys], unknown, "credentialUnknown 401"),
            ([.keys], Case(presented: key, isInDoubt: true), "authBackendUnavailable 401"),
            ([.keys], Case(presented: key, finding: .active, isInDoubt: true), "caller"),
            ([.keys], Case(presented: key, finding: .revoked, isInDoubt: true), "credentialInactive"),
            ([.keys], Case(presented: raw, finding: .active), "credentialUnknown 401"),
            ([.keys], Case(presented: raw, isInDoubt: true), "credentialUnknown 401"),
            ([.keys, .open], Case(presented: .none), "anyone"),
            ([.keys, .open], unknown, "credentialUnknown 401"),
            ([.open, .keys], Case(presented: key, finding: .active), "caller"),
            ([.keys, .jwt], token, "ask"),
            ([.jwt, .keys], token, "ask"),
            ([.keys, .jwt], Case(presented: jwt, finding: .revoked), "credentialInactive"),
            ([.jwt, .keys], unknown, "credentialUnknown 401"),
            ([.jwt], unknown, "tokenInvalid 401"),
            ([.open, .jwt, .jwt], unknown, "tokenInvalid 401"),
            ([.jwt], Case(presented: key, isInDoubt: true), "tokenInvalid 401"),
            ([.jwt], Case(presented: rawJWT), "tokenInvalid 401"),
            ([.keys], Case(presented: key, finding: .malformed), "credentialMalformed 401"),
            ([.jwt, .keys], Case(presented: key, finding: .malformed), "credentialMalformed 401"),
            (
                [.keys], Case(presented: key, finding: .malformed, isInDoubt: true),
                "authBackendUnavailable 401"
            ),
            ([.jwt, .open], Case(presented: .none), "anyone"),
            ([.jwt, .keys], Case(presented: .conflicting), "conflictingCredentials"),
        ]
        for row in table { #expect(outcome(row.modes, row.it) == row.outcome, "\(row.modes) \(row.it)") }
    }

    @Test func `nothing but a caller, an open entry or control lets anybody in`() {
        for first in Mode.allCases {
            for second in Mode.allCases {
                for presented in presentations {
                    for finding in findings {
                        for isInDoubt in [false, true] {
                            let it = Case(presented: presented, finding: finding, isInDoubt: isInDoubt)
                            let outcome = outcome([first, second], it)
                            let modes = [first, second]
                            if outcome == "anyone" {
                                let isOpen = modes.contains(.open) && presented == .none
                                #expect(isOpen || modes.contains(.openIgnoring), "\(modes) \(it)")
                            }
                            if outcome == "caller" { #expect(finding == .active, "\(modes) \(it)") }
                            if outcome == "ask" {
                                #expect(presented == jwt && modes.contains(.jwt), "\(modes) \(it)")
                            }
                        }
                    }
                }
            }
        }
    }

    @Test func `the status of what nobody knows is that of the first entry that takes credentials`() {
        var decision = CallerDecision(key)
        _ = decision.consider(Mode.open.plan(), .unknown, isInDoubt: false)
        #expect(decision.refusalStatus == 401)
        _ = decision.consider(Mode.keys.plan(status: 403), .unknown, isInDoubt: false)
        _ = decision.consider(Mode.keys.plan(status: 401), .unknown, isInDoubt: false)
        #expect(decision.refusalStatus == 403)
    }
}
