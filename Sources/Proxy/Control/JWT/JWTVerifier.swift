import Config
import Stores

/// Decides whether a JWT is good, by the rules of one `jwt` entry of `auth` (RFC 7519, RFC 7515, RFC 8725).
/// Immutable but for its keys; any thread.
final class JWTVerifier: Sendable {
    struct Verified: Equatable, Sendable {
        /// Value of the caller claim.
        var caller: String
        /// `sub`; nil: none.
        var subject: String?
        /// Seconds since 1970, leeway added; nil: never expires.
        var expiresAt: Int64?
        var requestsPerMinute: Int?
        /// Empty: every model.
        var models: [String]
    }

    /// Why not, for the log; the client is told the same for all.
    enum Refusal: Error, Equatable, Sendable {
        case malformed, algorithmNotAllowed, signatureWrong, expired, notYetValid
        case issuerWrong, audienceWrong
        case claimMissing(String)
        /// No key of the set fits: the set may be older than the token.
        case keyUnknown(id: String?)
        /// There are no keys yet, or the set could not be fetched: nobody can tell.
        case keysUnavailable
    }

    init(_ config: JWTConfig, keys: JWTKeySet) { fatalError("not yet") }

    /// Replaces the keys: a set was fetched, a file has changed.
    func use(_ keys: JWTKeySet) { fatalError("not yet") }

    /// - Parameter now: seconds since 1970.
    func verify(_ token: [UInt8], now: Int64) throws(Refusal) -> Verified { fatalError("not yet") }
}

/// Keys that tokens may be signed with.
final class JWTKeySet: Sendable {
    static let none = JWTKeySet()
    private init() {}
    /// For HS…
    init(secret: Secret) throws(JWTKeyError) { fatalError("not yet") }
    /// PEM of a public key or a certificate.
    init(pem: [UInt8]) throws(JWTKeyError) { fatalError("not yet") }
    /// JWK set (RFC 7517). Keys of kinds that are not known are left out; an empty rest is an error.
    init(jwks: [UInt8]) throws(JWTKeyError) { fatalError("not yet") }
}

/// For people; quotes no key.
struct JWTKeyError: Error, Equatable, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
