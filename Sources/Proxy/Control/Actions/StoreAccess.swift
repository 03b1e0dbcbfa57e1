import Stores

/// A store as actions reach it: by jobs on the store's own thread.
protocol StoreAccess: Sendable {
    /// bcrypt's cost of passwords that are set from now on.
    var passwordCost: Int { get }

    /// For somebody who waits: a job that cannot begin soon is told a failure in place of the store.
    /// - Returns: false at the bound: the job will not run.
    func performPromptly(_ job: @escaping @Sendable (Result<Store, StoreError>) -> Void) -> Bool

    /// Within a job, after users or keys were changed: callers are brought up to date before it returns.
    func keysChanged()
}

extension StoreKeeper: StoreAccess {}
