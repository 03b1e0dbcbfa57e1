import Stores

/// One store of the file and the thread that it belongs to. Jobs run in order; the thread opens the store,
/// opens it again when it failed, and looks for changes of other processes between jobs.
///
/// Outlives generations as long as `stores.NAME` means the same file and key.
final class StoreKeeper: Sendable {
    /// Jobs that may wait.
    static let waitingMax = 1024

    /// The store's own options, resolved.
    let path: String
    let passwordCost: Int

    init(path: String, options: Store.Options, passwordCost: Int) {
        self.path = path
        self.passwordCost = passwordCost
    }

    /// Runs `job` on the store's thread, with the open store or why it cannot be opened.
    /// - Returns: false at the bound: the job will not run.
    func perform(_ job: @escaping @Sendable (Result<Store, StoreError>) -> Void) -> Bool {
        fatalError("not yet")
    }

    /// On the store's thread, after a job changed users or keys: callers are brought up to date at once.
    func keysChanged() { fatalError("not yet") }
}
