import Config

/// Entries of `auth:` and stores that belong to one configuration, the kept ones and those that are new.
struct AuthSet {
    var entries: [String: AuthEntry] = [:]
    var stores: [String: StoreEntry] = [:]
    /// What the data plane asks, by the name of the entry.
    var plans: [String: AuthPlan] = [:]
    /// Entries that let everybody in, because there is nobody whom they could ask for.
    var open: Set<String> = []
    /// The routes that stand open because of it, for people, by entry.
    var openRoutes: [String: String] = [:]
    /// Not served yet: stopped where the build fails.
    var newEntries: [AuthEntry] = []
    var newStores: [StoreEntry] = []
    /// `max_stale` in nanoseconds, by entry.
    var maxStale: [String: UInt64] = [:]
    var diagnostics: [Diagnostic] = []
    /// Those of `diagnostics` that are told again whenever somebody asks for a reload.
    var warnings: [Diagnostic] = []

    /// Whom a route asks, in order.
    func plans(of route: RouteConfig) -> [AuthPlan] {
        guard !route.auth.isEmpty, route.auth.allSatisfy({ open.contains($0) }) else {
            return route.auth.compactMap { plans[$0] }
        }
        return [
            AuthPlan(name: route.auth[0], mode: .open(ignoresCredentials: true), callers: CallerIndex())
        ]
    }
}

/// One entry of `stores:` as it lives.
final class StoreEntry {
    /// What makes two stores of the same name the same one.
    struct Identity: Equatable {
        let path: String
        let userIDs: StoreConfig.UserIDs
        let storesPlain: Bool
        /// Of the master key; nil: none.
        let keyID: String?
        let previousKeyIDs: [String]
        let passwordCost: Int
    }

    let name: String
    let identity: Identity
    let keeper: StoreKeeper

    init(name: String, identity: Identity, keeper: StoreKeeper) {
        self.name = name
        self.identity = identity
        self.keeper = keeper
    }
}
