/// One entry of `auth:`, compiled: one way of coming in.
final class AuthPlan: Sendable {
    enum Mode: Sendable {
        /// `none`: a request without a credential; with `ignoresCredentials` any, the credential unread.
        case open(ignoresCredentials: Bool)
        /// `env-key`, `token-file`, `user-keys`: unknown is not ours, revoked, expired and disabled are
        /// refused.
        case keys
        /// `jwt`: what looks like one is ours. Those that were verified are in `callers` until they expire;
        /// the rest is a question to `answerer`.
        case jwt(answerer: Answerer)
    }

    /// The key in the file.
    let name: String
    let nameText: PlanText
    let mode: Mode
    let callers: CallerIndex
    let schemes: CredentialSchemes
    /// Status for a credential that nobody accepted: 401, or 403 by `reject_status`.
    let rejectStatus: UInt16
    /// `on_revoke: cut`: running exchanges of a caller that is revoked are ended.
    let cutsOnRevoke: Bool
    /// The store that `Caller.userID` is a row of; nil: the callers are no users.
    let userStore: ObjectIdentifier?
    /// What its keys begin with, one or the other; empty: with anything.
    let keyPrefixes: [[UInt8]]
    /// Of callers with a limit of their own; `max` is theirs.
    let ownMeasure: LimitMeasure
    /// The store that users are rows of, in limits by user; `everybody` where there is none.
    let userSubjectBase: LimitSubject

    /// - Parameter ownMeasure: nil: nobody here has a limit of their own.
    init(
        name: String, mode: Mode, callers: CallerIndex, schemes: CredentialSchemes = .bearer,
        rejectStatus: UInt16 = 401, cutsOnRevoke: Bool = false, userStore: ObjectIdentifier? = nil,
        keyPrefixes: [[UInt8]] = [], ownMeasure: LimitMeasure? = nil,
        userSubjectBase: LimitSubject = .everybody
    ) {
        self.name = name
        nameText = PlanText(name)
        self.mode = mode
        self.callers = callers
        self.schemes = schemes
        self.rejectStatus = rejectStatus
        self.cutsOnRevoke = cutsOnRevoke
        self.userStore = userStore
        self.keyPrefixes = keyPrefixes
        self.ownMeasure = ownMeasure ?? LimitMeasure(id: 0, ownOf: name)
        self.userSubjectBase = userSubjectBase
    }
}

/// How an entry takes its credential. `x-api-key` and `api-key` always count as `bearer`.
struct CredentialSchemes: OptionSet, Sendable {
    let rawValue: UInt8
    /// `Authorization: Bearer KEY`; the word in any case (RFC 9110 §11.1, RFC 6750 §2.1).
    static let bearer = CredentialSchemes(rawValue: 1)
    /// `Authorization: KEY`, without a word in front.
    static let raw = CredentialSchemes(rawValue: 2)
}

/// Whom a question of the data plane is for. Opaque to it: control has subclasses that know the rest.
class Answerer: @unchecked Sendable {
    init() {}
}
