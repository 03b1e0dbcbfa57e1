import Stores

/// A store as actions reach it: by jobs on the store's own thread.
protocol StoreAccess: AnyObject, Sendable {
    /// bcrypt's cost of passwords that are set from now on.
    var passwordCost: Int { get }

    /// - Returns: false at the bound: the job will not run.
    func perform(_ job: @escaping @Sendable (Result<Store, StoreError>) -> Void) -> Bool

    /// Within a job, after users or keys were changed: callers are brought up to date before it returns.
    func keysChanged()
}

extension StoreKeeper: StoreAccess {}
