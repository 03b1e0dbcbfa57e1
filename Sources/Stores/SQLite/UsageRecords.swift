/// What a row of `usage` counts for.
public struct UsageSubject: Hashable, Sendable {
    /// Days since 1970-01-01, UTC.
    public var day: Int64
    /// Entry of `auth`; empty: nobody was asked for.
    public var auth: String
    /// As in the access log; empty: nobody in particular.
    public var caller: String
    /// Row of the key in the store of the entry; 0: it has none.
    public var keyID: Int64
    /// Row of the user there; 0: none.
    public var userID: Int64
    /// Empty: the request named none.
    public var model: String
    public var upstream: String

    public init(
        day: Int64, auth: String = "", caller: String = "", keyID: Int64 = 0, userID: Int64 = 0,
        model: String = "", upstream: String = ""
    ) {
        self.day = day
        self.auth = auth
        self.caller = caller
        self.keyID = keyID
        self.userID = userID
        self.model = model
        self.upstream = upstream
    }

    public static let secondsPerDay: Int64 = 86_400
    /// How long rows are kept, in days.
    public static let daysKept: Int64 = 400
}

/// What was used. None is negative; one that is full stays so.
public struct UsageSums: Equatable, Sendable {
    public var requests: Int64 = 0
    /// Requests that were answered by an error, or not to the end.
    public var failures: Int64 = 0
    public var inputTokens: Int64 = 0
    public var outputTokens: Int64 = 0
    /// Those of `inputTokens` that the upstream had in its cache.
    public var cachedInputTokens: Int64 = 0
    /// Billionths of a US dollar.
    public var nanoUSD: Int64 = 0
    /// Requests whose tokens were estimated, because nobody reported them.
    public var estimated: Int64 = 0

    public init(
        requests: Int64 = 0, failures: Int64 = 0, inputTokens: Int64 = 0, outputTokens: Int64 = 0,
        cachedInputTokens: Int64 = 0, nanoUSD: Int64 = 0, estimated: Int64 = 0
    ) {
        self.requests = requests
        self.failures = failures
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
        self.cachedInputTokens = cachedInputTokens
        self.nanoUSD = nanoUSD
        self.estimated = estimated
    }

    public static func += (sums: inout UsageSums, other: UsageSums) {
        for field in fields { sums[keyPath: field] = sum(sums[keyPath: field], other[keyPath: field]) }
    }

    /// In the order of the table's columns.
    static var fields: [WritableKeyPath<UsageSums, Int64>] {
        [
            \.requests, \.failures, \.inputTokens, \.outputTokens, \.cachedInputTokens, \.nanoUSD,
            \.estimated,
        ]
    }

    private static func sum(_ one: Int64, _ other: Int64) -> Int64 {
        let (sum, overflow) = max(0, one).addingReportingOverflow(max(0, other))
        return overflow ? .max : sum
    }
}

/// What usage is added up by.
public enum UsageGrouping: String, CaseIterable, Sendable {
    case key, user, model, day, upstream
}

/// Sums of all rows that are alike in what was asked for.
public struct UsageGroup: Equatable, Sendable {
    /// What the grouping does not tell apart is that of the last day, or empty.
    public var subject: UsageSubject
    /// Of the user of this store who has the row's user id; nil: there is none.
    public var username: String?
    public var email: String?
    public var sums: UsageSums

    public init(subject: UsageSubject, username: String? = nil, email: String? = nil, sums: UsageSums) {
        self.subject = subject
        self.username = username
        self.email = email
        self.sums = sums
    }
}
