import Stores

/// Where usage is written, and which counts are kept there; read aside, then committed with its generation.
struct UsageSetting: Sendable {
    /// nil: `usage` is off.
    let store: StoreKeeper?
    /// By day and month.
    let measures: [LimitMeasure]
    /// Of those that the ledger does not know yet.
    var states: [BucketState] = []
}

/// Why the counts in the store of `usage` cannot be read.
struct UsageProblem: Error, CustomStringConvertible {
    /// The store, as people wrote it.
    let display: String
    let error: StoreError

    var description: String { "what is used up already of limits cannot be read from \(display): \(error)" }
}

/// What became of one transaction. On its way from the store's thread.
struct UsageOutcome: Sendable {
    /// Of the transaction, counted from 1.
    let number: UInt64
    let store: StoreKeeper
    let usage: [UsageSubject: UsageSums]
    let ledger: [LedgerRow]
    /// nil: all of it is written.
    let error: StoreError?
}

/// For `status`.
struct UsageFigures: Equatable, Sendable {
    /// The store, as people wrote it; nil: `usage` is off.
    var store: String?
    /// Requests whose usage is in a store.
    var written: UInt64 = 0
    /// Requests whose usage is not written yet.
    var waiting: UInt64 = 0
    /// Requests whose usage found no room.
    var lost: UInt64 = 0
    /// What keeps usage from being written; nil: nothing.
    var problem: SourceProblem?
}
