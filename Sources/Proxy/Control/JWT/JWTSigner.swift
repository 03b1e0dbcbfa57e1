import Stores

/// Makes the tokens that `login` gives out: JWS compact (RFC 7515 §7.1), HMAC with SHA-2 (RFC 7518 §3.2).
struct JWTSigner: Sendable {
    enum Algorithm: String, Sendable {
        case hs256 = "HS256"
        case hs384 = "HS384"
        case hs512 = "HS512"
    }
    let algorithm: Algorithm
    let secret: Secret
    let issuer: String?
    let audience: String?
    let lifetimeSeconds: Int64

    /// Header `{"alg":"HS256","typ":"JWT"}`; claims `sub`, `iat`, `exp`, `jti`, and `iss`, `aud` where set.
    /// - Parameter now: seconds since 1970.
    func sign(subject: String, now: Int64) -> String { fatalError("not yet") }
}
