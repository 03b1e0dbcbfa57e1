import Config
import Stores

/// Gives a built-in action what it needs: its store, the threads that hash, the key that signs, the limits.
struct ActionBinder {
    let loaded: LoadedConfig
    let auth: AuthSet
    let hashes: HashPool
    /// By name.
    let limits: [String: LimitPlan]
    let ledger: Ledger
    /// By the upstream's name; of those whose keys come from several sources.
    let keys: [String: KeyChain]
    let models: UpstreamModelsRegistry

    func bind(_ action: ActionConfig, _ route: RouteConfig) -> ControlAnswerer {
        if case .limits(let names) = action.kind {
            let told = names.isEmpty ? loaded.config.limits.map(\.name) : names
            return LimitsAction(told.compactMap { limits[$0] }, in: ledger)
        }
        if case .health(let rules) = action.kind {
            let stores = loaded.config.stores.compactMap { auth.stores[$0.name]?.keeper }
            return HealthAction(rules, of: stores)
        }
        if case .openapi(let info) = action.kind {
            return OpenAPIAction(loaded.config, info, host: route.host)
        }
        if case .docs(let docs) = action.kind { return DocsAction(docs) }
        let errors = ErrorFormat(shape: ErrorShape(route.errors), footer: route.errorFooter)
        if case .models(let discovers, let refresh) = action.kind {
            return modelsAction(discovers, nanoseconds(refresh), errors)
        }
        return BoundAction(
            action, errors: errors,
            store: store(action), hashes: hashes, tokens: tokens(action), keyPrefix: keyPrefix(action),
            keys: chain(action))
    }

    /// The keys that the action tells of.
    private func chain(_ action: ActionConfig) -> KeyChain? {
        guard let upstream = action.keyUpstream else { return nil }
        guard let chain = keys[upstream] else {
            preconditionFailure("the config has checked that upstream \(upstream) has sources of keys")
        }
        return chain
    }

    private func store(_ action: ActionConfig) -> any StoreAccess {
        guard let store = auth.stores[action.store] else {
            preconditionFailure("the config has checked that store \(action.store) is defined")
        }
        return store.keeper
    }

    private func tokens(_ action: ActionConfig) -> BoundAction.TokenIssue? {
        guard case .jwt(let name) = issues(action),
            case .jwt(let config) = loaded.config.auth.first(where: { $0.name == name })?.mode,
            case .secret(let text) = config.key,
            let algorithm = config.algorithms.lazy.compactMap(JWTSigner.Algorithm.init).first
        else { return nil }
        let signer = JWTSigner(
            algorithm: algorithm, secret: loaded.secret(text), issuer: config.issuer,
            audience: config.audiences.first, lifetimeSeconds: config.lifetime.components.seconds)
        return BoundAction.TokenIssue(signer: signer, subject: config.subject)
    }

    private func issues(_ action: ActionConfig) -> IssueConfig? {
        switch action.kind {
        case .register(let register): register.issues
        case .login(let login): login.issues
        case .me, .protected, .setAPIKey, .listAPIKeys, .deleteAPIKey, .generateKey, .validateKey, .limits,
            .models, .keyStatus, .health, .openapi, .docs:
            nil
        }
    }

    private func keyPrefix(_ action: ActionConfig) -> String {
        let name: String
        switch action.kind {
        case .generateKey(let config): name = config.keys
        case .validateKey(let keys): name = keys
        case .register, .login, .me, .protected, .setAPIKey, .listAPIKeys, .deleteAPIKey, .limits, .models,
            .keyStatus, .health, .openapi, .docs:
            return ""
        }
        guard case .userKeys(let keys) = loaded.config.auth.first(where: { $0.name == name })?.mode else {
            preconditionFailure("the config has checked that auth.\(name) is `user-keys`")
        }
        return keys.prefix
    }
}
