import JSON
import Stores

/// Makes the tokens that `login` gives out: JWS compact (RFC 7515 §7.1), HMAC with SHA-2 (RFC 7518 §3.2).
struct JWTSigner: Sendable {
    enum Algorithm: String, Sendable {
        case hs256 = "HS256"
        case hs384 = "HS384"
        case hs512 = "HS512"

        fileprivate var hash: SHA2 {
            switch self {
            case .hs256: .sha256
            case .hs384: .sha384
            case .hs512: .sha512
            }
        }
    }
    let algorithm: Algorithm
    let secret: Secret
    let issuer: String?
    let audience: String?
    let lifetimeSeconds: Int64

    /// Header `{"alg":"HS256","typ":"JWT"}`; claims `sub`, `iat`, `exp`, `jti`, and `iss`, `aud` where set.
    /// - Parameter now: seconds since 1970.
    func sign(subject: String, now: Int64) -> String {
        var header = JSONWriter()
        header.beginObject()
        header.member("alg", algorithm.rawValue)
        header.member("typ", "JWT")
        header.endObject()
        var claims = JSONWriter()
        claims.beginObject()
        claims.member("sub", subject)
        claims.member("iat", now)
        claims.member("exp", now + lifetimeSeconds)
        // Why: two tokens of one second are two tokens.
        claims.member("jti", String(decoding: Base64URL.encode(randomBytes(16)), as: UTF8.self))
        if let issuer { claims.member("iss", issuer) }
        if let audience { claims.member("aud", audience) }
        claims.endObject()
        let signed = Base64URL.encode(header.bytes) + [UInt8(ascii: ".")] + Base64URL.encode(claims.bytes)
        let code = Base64URL.encode(algorithm.hash.authenticationCode(signed, key: secret))
        return String(decoding: signed + [UInt8(ascii: ".")] + code, as: UTF8.self)
    }
}
