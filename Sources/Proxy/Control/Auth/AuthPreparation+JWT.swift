import Config
import Stores

/// `mode: jwt`. Another key, or another rule, is another entry: what was verified by the one before is
/// forgotten with it.
extension AuthPreparation {
    mutating func prepare(_ config: AuthConfig, _ jwt: JWTConfig) {
        let keeper = jwt.store.flatMap { set.stores[$0]?.keeper }
        let maxStale = nanoseconds(config.maxStale)
        let identity = AuthEntry.Identity.jwt(
            jwt, keys: sha256(keyMaterial(jwt)), store: keeper.map { ObjectIdentifier($0) },
            maxStale: maxStale)
        if let known = served.entries[config.name], known.identity == identity,
            case .jwt(let answerer) = known.source
        {
            return add(known, config, .jwt(answerer: answerer))
        }
        let steps: [ConfigStep] = [.key("auth"), .key(config.name), .key(jwt.key.name)]
        let origin: JWTKeySource.Origin
        do throws(JWTKeyError) {
            origin = try keyOrigin(jwt, steps)
        } catch { return fail(steps, error.description) }
        do throws(SystemError) {
            let callers = CallerIndex()
            let source = try JWTKeySource(origin, display: "auth.\(config.name).\(jwt.key.name)")
            let answerer = JWTAnswerer(
                name: config.name, config: jwt, source: source, callers: callers, keeper: keeper,
                mailboxes: mailboxes, maxStale: maxStale)
            let entry = AuthEntry(
                name: config.name, modeName: config.mode.name, identity: identity, callers: callers,
                source: .jwt(answerer))
            set.newEntries.append(entry)
            add(entry, config, .jwt(answerer: answerer))
        } catch { fail(steps, error.description) }
    }

    private mutating func keyOrigin(
        _ jwt: JWTConfig, _ steps: [ConfigStep]
    ) throws(JWTKeyError) -> JWTKeySource.Origin {
        let material = keyMaterial(jwt)
        switch jwt.key {
        case .secret: return .fixed(try JWTKeySet(secret: Secret(material)))
        case .publicKey: return .fixed(try JWTKeySet(pem: material))
        case .jwksFile(let path):
            let keys = try JWTKeySet(jwks: material)
            for reason in keys.leftOut.prefix(3) { warn(steps, "\(path): \(reason), and is left out") }
            return .fixed(keys)
        case .jwksURL(let url):
            let endpoint = url.endpoint
            return .url(
                JWTKeySource.Remote(
                    url: "\(endpoint.scheme.rawValue)://\(endpoint.authority)\(url.target)",
                    authorities: jwt.ca.flatMap { loaded.keyFiles[$0] }, refresh: nanoseconds(jwt.refresh)))
        }
    }

    /// What the keys are read from; for a URL the authorities that vouch for it.
    private func keyMaterial(_ jwt: JWTConfig) -> [UInt8] {
        switch jwt.key {
        case .secret(let text): loaded.secret(text).reveal()
        case .publicKey(let path), .jwksFile(let path): loaded.keyFiles[path] ?? []
        case .jwksURL: jwt.ca.flatMap { loaded.keyFiles[$0] } ?? []
        }
    }
}

extension JWTConfig.Key {
    /// The key in the file.
    var name: String {
        switch self {
        case .secret: "secret"
        case .publicKey: "public_key"
        case .jwksFile, .jwksURL: "jwks"
        }
    }
}
