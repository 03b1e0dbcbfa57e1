/// What is thought of a token file, from what looks at it gave.
///
///     good ◀─────────content──────────────────────────────┐
///      │ missing                │ unusable                │
///      ▼                        ▼                         │
///     missing ──2 s──▶ gone    unsettled ──0.2 s──▶ broken┘
///
/// A file that has gone is waited for, because editors and links that are swapped take it away for a moment;
/// then its tokens are refused. One that cannot be used leaves all as it is: nobody knows what it should say.
///
/// Pure: no file and no clock. `TokenFileSource` looks, and performs the `Action`.
struct TokenFileStanding: Equatable {
    enum State: Equatable {
        case good
        /// Since this look, monotonic nanoseconds.
        case missing(since: UInt64)
        case gone
        /// Somebody may be in the middle of writing it.
        case unsettled(since: UInt64)
        case broken(String)
    }

    /// What one look has found.
    enum Look: Equatable {
        case content
        case missing
        /// Why it cannot be used, for people.
        case unusable(String)
    }

    enum Action: Equatable {
        case wait
        /// The callers become what the file says; `recovers`: for a while it was not known what that is.
        case apply(recovers: Bool)
        /// Everybody is refused.
        case refuseAll
        /// The callers stay, and the source is in doubt from now on.
        case doubt(String)
    }

    static let missingMax: UInt64 = 2_000_000_000
    static let unsettledMax: UInt64 = 200_000_000

    private(set) var state: State

    /// - Parameter first: what the first look gave, before anybody was known: there is nothing to wait for.
    init(first: Look) {
        switch first {
        case .content: state = .good
        case .missing: state = .gone
        case .unusable(let why): state = .broken(why)
        }
    }

    /// - Parameter now: monotonic nanoseconds.
    mutating func looked(_ look: Look, now: UInt64) -> Action {
        switch look {
        case .content: return sawContent()
        case .missing: return sawNothing(now)
        case .unusable(let why): return sawUnusable(why, now)
        }
    }

    /// When to look again though nothing tells of a change; nil: no need.
    var lookAgainAt: UInt64? {
        switch state {
        case .missing(let since): since + TokenFileStanding.missingMax
        case .unsettled(let since): since + TokenFileStanding.unsettledMax
        case .good, .gone, .broken: nil
        }
    }

    private mutating func sawContent() -> Action {
        defer { state = .good }
        switch state {
        case .good, .missing, .unsettled: return .apply(recovers: false)
        case .gone, .broken: return .apply(recovers: true)
        }
    }

    private mutating func sawNothing(_ now: UInt64) -> Action {
        switch state {
        case .good, .unsettled, .broken:
            state = .missing(since: now)
            return .wait
        case .missing(let since):
            guard now >= since + TokenFileStanding.missingMax else { return .wait }
            state = .gone
            return .refuseAll
        case .gone: return .wait
        }
    }

    private mutating func sawUnusable(_ why: String, _ now: UInt64) -> Action {
        switch state {
        case .good, .missing, .gone:
            state = .unsettled(since: now)
            return .wait
        case .unsettled(let since):
            guard now >= since + TokenFileStanding.unsettledMax else { return .wait }
            state = .broken(why)
            return .doubt(why)
        case .broken(let before):
            guard before != why else { return .wait }
            state = .broken(why)
            return .doubt(why)
        }
    }
}
