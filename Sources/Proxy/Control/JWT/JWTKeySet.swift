import JSON
import Stores

/// Keys that tokens may be signed with. Never empty but for `none`.
final class JWTKeySet: Sendable {
    struct Key: Sendable {
        enum Material: Sendable {
            case secret(Secret)
            case publicKey(PublicKey)
        }
        /// `kid` (RFC 7517 §4.5); nil: none.
        let id: String?
        /// `alg` (RFC 7517 §4.4); nil: every algorithm of its kind.
        let algorithm: JWTAlgorithm?
        let material: Material

        func fits(_ algorithm: JWTAlgorithm) -> Bool {
            if let wanted = self.algorithm, wanted != algorithm { return false }
            switch material {
            case .secret: return algorithm.keyKind == .secret
            case .publicKey(let key): return algorithm.keyKind == key.kind
            }
        }
    }

    /// Least bytes of a secret, for every HS… algorithm.
    static let secretBytesMin = 32
    /// Keys that a token without `kid` is tried with.
    static let triesMax = 16

    let keys: [Key]
    /// Whether `kid` says which key it is: of a set, yes; a single key or secret has no name.
    let isNamed: Bool
    /// Why members of the JWK set were left out, for the log.
    let leftOut: [String]

    /// Nobody knows the keys.
    static let none = JWTKeySet([], isNamed: true)

    init(_ keys: [Key], isNamed: Bool, leftOut: [String] = []) {
        self.keys = keys
        self.isNamed = isNamed
        self.leftOut = leftOut
    }

    /// For HS256, HS384 and HS512.
    /// - Throws: below `secretBytesMin` bytes.
    convenience init(secret: Secret) throws(JWTKeyError) {
        guard secret.count >= JWTKeySet.secretBytesMin else {
            throw JWTKeyError(
                "has \(secret.count) bytes; a secret that signs tokens needs at least \(JWTKeySet.secretBytesMin)"
            )
        }
        self.init([Key(id: nil, algorithm: nil, material: .secret(secret))], isNamed: false)
    }

    /// PEM of a public key (RFC 7468 §13) or a certificate, of which the key alone counts: RSA with 2048 bits
    /// or more, EC on P-256 or P-384, Ed25519.
    convenience init(pem: [UInt8]) throws(JWTKeyError) {
        guard !JWTKeySet.holdsPrivateKey(pem) else {
            throw JWTKeyError(
                "holds a private key, which no gateway needs: `openssl pkey -in KEY -pubout` gives its public one"
            )
        }
        let key = try PublicKey(pem: pem)
        self.init([Key(id: nil, algorithm: nil, material: .publicKey(key))], isNamed: false)
    }

    /// Keys that a token may have been signed with, by its `kid` and `alg`.
    func candidates(id: String?, algorithm: JWTAlgorithm) -> [Key] {
        guard isNamed, let id else { return Array(fitting(algorithm).prefix(JWTKeySet.triesMax)) }
        return fitting(algorithm).filter { $0.id == id }
    }

    /// Whether `id` names a key, of whatever kind.
    func knows(id: String) -> Bool { !isNamed || keys.contains { $0.id == id } }

    private func fitting(_ algorithm: JWTAlgorithm) -> [Key] { keys.filter { $0.fits(algorithm) } }

    /// `-----BEGIN PRIVATE KEY-----` and its older relatives.
    private static func holdsPrivateKey(_ pem: [UInt8]) -> Bool {
        pem.split(separator: Byte.lf).contains { line in
            let text = String(decoding: line, as: UTF8.self)
            return text.hasPrefix("-----BEGIN ") && text.contains("PRIVATE KEY-----")
        }
    }
}

/// For people; quotes no key.
struct JWTKeyError: Error, Equatable, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
