/// A way of signing that is understood (RFC 7518 §3.1, RFC 8037 §3.1). `none` is not among them, and a name
/// that is not among them is nothing that could be compared with.
enum JWTAlgorithm: String, Sendable, CaseIterable {
    case hs256 = "HS256"
    case hs384 = "HS384"
    case hs512 = "HS512"
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case ps256 = "PS256"
    case es256 = "ES256"
    case es384 = "ES384"
    case edDSA = "EdDSA"

    /// What a key is made for. A key verifies algorithms of its own kind alone, whatever a token says: a
    /// public key is never a secret (RFC 8725 §3.1).
    enum KeyKind: String, Sendable {
        case secret, rsa, p256, p384, ed25519
    }

    var keyKind: KeyKind {
        switch self {
        case .hs256, .hs384, .hs512: .secret
        case .rs256, .rs384, .rs512, .ps256: .rsa
        case .es256: .p256
        case .es384: .p384
        case .edDSA: .ed25519
        }
    }

    /// nil: the algorithm has its own (RFC 8032).
    var hash: SHA2? {
        switch self {
        case .hs256, .rs256, .ps256, .es256: .sha256
        case .hs384, .rs384, .es384: .sha384
        case .hs512, .rs512: .sha512
        case .edDSA: nil
        }
    }
}
