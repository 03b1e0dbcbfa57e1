import Stores
import Testing

@testable import Config
@testable import Proxy

/// An entry of `auth` as its defaults make it.
func jwtConfig(
    algorithms: [String] = ["HS256"], issuer: String? = nil, audiences: [String] = [],
    leeway: Duration = .seconds(0), required: [String] = [], requiresExpiry: Bool = true,
    caller: String = "sub", limit: String? = nil, models: String? = nil, store: String? = nil
) -> JWTConfig {
    JWTConfig(
        algorithms: algorithms, key: .publicKey(path: "unread.pem"), ca: nil, refresh: .seconds(3600),
        issuer: issuer, audiences: audiences, leeway: leeway, requiredClaims: required,
        requiresExpiry: requiresExpiry, callerClaim: caller, limitClaim: limit, modelsClaim: models,
        store: store, subject: .id, lifetime: .seconds(86400))
}

/// Makes tokens that no honest signer would make.
struct TokenForge {
    var header = #"{"alg":"HS256","typ":"JWT"}"#
    var claims = #"{"sub":"alice","exp":2000}"#
    var secret = Secret("0123456789abcdef0123456789abcdef")

    var token: [UInt8] {
        let signed = Base64URL.encode(header.utf8) + [UInt8(ascii: ".")] + Base64URL.encode(claims.utf8)
        return signed + [UInt8(ascii: ".")]
            + Base64URL.encode(SHA2.sha256.authenticationCode(signed, key: secret))
    }

    /// By an entry that takes HS256 with `secret`, at 1000 s after 1970.
    func verified(_ config: JWTConfig = jwtConfig(), now: Int64 = 1000) throws -> JWTVerifier.Verified {
        try JWTVerifier(config, keys: JWTKeySet(secret: secret)).verify(token, now: now)
    }
}

/// Why the token is refused; nil: it is not.
func refusal(_ verifier: JWTVerifier, _ token: [UInt8], now: Int64 = 1000) -> JWTVerifier.Refusal? {
    do throws(JWTVerifier.Refusal) {
        _ = try verifier.verify(token, now: now)
        return nil
    } catch { return error }
}

/// Of forged claims and headers.
func refusal(
    header: String = #"{"alg":"HS256"}"#, claims: String = #"{"sub":"alice","exp":2000}"#,
    _ config: JWTConfig = jwtConfig(), now: Int64 = 1000
) throws -> JWTVerifier.Refusal? {
    let forge = TokenForge(header: header, claims: claims)
    return refusal(try JWTVerifier(config, keys: JWTKeySet(secret: forge.secret)), forge.token, now: now)
}
