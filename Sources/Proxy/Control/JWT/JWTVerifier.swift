import Config
import JSON
import Stores

/// Decides whether a JWT is good, by the rules of one `jwt` entry of `auth` (RFC 7519, RFC 7515, RFC 8725).
/// Immutable but for its keys; any thread.
///
/// The algorithm is one that the entry lists *and* that the key is made for; what the token says of it only
/// chooses among these. So a public key is never taken for a secret, and `none` is no algorithm at all.
final class JWTVerifier: Sendable {
    struct Verified: Equatable, Sendable {
        /// Value of the caller claim.
        var caller: String
        /// `sub`; nil: none.
        var subject: String?
        /// Seconds since 1970, leeway added; nil: never expires.
        var expiresAt: Int64?
        /// Seconds since 1970, leeway added; nil: the token does not say.
        var issuedAt: Int64?
        var requestsPerMinute: Int?
        /// Empty: every model.
        var models: [String]
    }

    /// Why not, for the log; the client is told the same for all.
    enum Refusal: Error, Equatable, Sendable, CustomStringConvertible {
        case malformed, algorithmNotAllowed, signatureWrong, expired, notYetValid
        case issuerWrong, audienceWrong
        case claimMissing(String)
        /// Its subject is no active user of the store.
        case subjectUnknown
        /// No key of the set fits: the set may be older than the token.
        case keyUnknown(id: String?)
        /// There are no keys yet, or the set could not be fetched: nobody can tell.
        case keysUnavailable

        /// Quotes nothing of the token.
        var description: String {
            switch self {
            case .malformed: "it is malformed"
            case .algorithmNotAllowed: "its algorithm is not allowed"
            case .signatureWrong: "its signature is wrong"
            case .expired: "it has expired"
            case .notYetValid: "it is not valid yet"
            case .issuerWrong: "its issuer is another"
            case .audienceWrong: "it is for another audience"
            case .claimMissing(let name): "it has no claim `\(name)`"
            case .subjectUnknown: "its subject is no active user"
            case .keyUnknown: "its key is not known"
            case .keysUnavailable: "there are no keys to verify it with"
            }
        }
    }

    private let config: JWTConfig
    private let algorithms: Set<JWTAlgorithm>
    private let leewaySeconds: Double
    private let keys: Locked<JWTKeySet>

    /// The key that `config` names is not read here: it is in `keys`.
    init(_ config: JWTConfig, keys: JWTKeySet) {
        self.config = config
        algorithms = Set(config.algorithms.compactMap { JWTAlgorithm(rawValue: $0) })
        leewaySeconds = config.leeway / .seconds(1)
        self.keys = Locked(keys)
    }

    /// Replaces the keys: a set was fetched, a file has changed.
    func use(_ keys: JWTKeySet) { self.keys.withLock { $0 = keys } }

    /// - Parameter now: seconds since 1970.
    func verify(_ token: [UInt8], now: Int64) throws(Refusal) -> Verified {
        guard let jws = CompactJWS(token) else { throw .malformed }
        guard let algorithm = JWTAlgorithm(rawValue: jws.algorithm), algorithms.contains(algorithm) else {
            throw .algorithmNotAllowed
        }
        try checkSignature(jws, algorithm)
        let claims = try JWTClaims(jws.payload)
        let expiresAt = try checkTimes(claims, now: Double(now))
        try checkAddress(claims)
        for name in config.requiredClaims where claims.claim(name) == nil { throw .claimMissing(name) }
        return Verified(
            caller: try claims.name(config.callerClaim),
            subject: claims.claim("sub") == nil ? nil : try claims.name("sub"),
            expiresAt: expiresAt,
            issuedAt: try claims.time("iat").map { Int64(($0 + leewaySeconds).rounded(.down)) },
            requestsPerMinute: try config.limitClaim.flatMap { (name) throws(Refusal) in
                try claims.limit(name)
            },
            models: try config.modelsClaim.map { (name) throws(Refusal) in try claims.models(name) } ?? [])
    }

    private func checkSignature(_ jws: CompactJWS, _ algorithm: JWTAlgorithm) throws(Refusal) {
        let keys = keys.withLock { $0 }
        guard !keys.keys.isEmpty else { throw .keysUnavailable }
        let candidates = keys.candidates(id: jws.keyID, algorithm: algorithm)
        guard !candidates.isEmpty else {
            if let id = jws.keyID, keys.knows(id: id) { throw .algorithmNotAllowed }
            throw .keyUnknown(id: jws.keyID)
        }
        guard candidates.contains(where: { $0.verifies(jws, by: algorithm) }) else { throw .signatureWrong }
    }

    /// `exp`, `nbf`, `iat` (RFC 7519 §4.1.4 to §4.1.6). A token of the future is refused by its `iat` as
    /// well: one of the two clocks is wrong.
    /// - Returns: when it ends, in whole seconds, leeway added.
    private func checkTimes(_ claims: JWTClaims, now: Double) throws(Refusal) -> Int64? {
        let expiry = try claims.time("exp")
        let starts = [try claims.time("nbf"), try claims.time("iat")]
        if let expiry {
            guard now < (expiry + leewaySeconds).rounded(.down) else { throw .expired }
        } else if config.requiresExpiry {
            throw .claimMissing("exp")
        }
        guard starts.allSatisfy({ now + leewaySeconds >= $0 ?? 0 }) else { throw .notYetValid }
        return expiry.map { Int64(($0 + leewaySeconds).rounded(.down)) }
    }

    /// `iss` and `aud`, as far as the entry names any: with none configured they are not looked at.
    private func checkAddress(_ claims: JWTClaims) throws(Refusal) {
        if let issuer = config.issuer {
            guard let found = claims.claim("iss") else { throw .claimMissing("iss") }
            guard found.text == issuer else { throw .issuerWrong }
        }
        guard !config.audiences.isEmpty else { return }
        let audiences = try claims.audiences()
        guard audiences.contains(where: { config.audiences.contains($0) }) else { throw .audienceWrong }
    }
}

extension JWTKeySet.Key {
    /// Cost: see `JWTAnswerer`.
    fileprivate func verifies(_ jws: CompactJWS, by algorithm: JWTAlgorithm) -> Bool {
        switch material {
        case .publicKey(let key): return key.verifies(jws.signature, of: jws.signed, by: algorithm)
        case .secret(let secret):
            guard algorithm.keyKind == .secret, let hash = algorithm.hash else { return false }
            return constantTimeEqual(hash.authenticationCode(jws.signed, key: secret), jws.signature)
        }
    }
}
