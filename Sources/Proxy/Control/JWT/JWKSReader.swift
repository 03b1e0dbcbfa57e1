import JSON

extension JWTKeySet {
    /// Most bytes of a JWK set, and most members.
    static let jwksBytesMax = 1 << 20
    static let jwksKeysMax = 256

    /// JWK set (RFC 7517 §5). Members of kinds that are not known, that are for other uses or that are not
    /// sound are left out (§5 asks for it).
    /// - Throws: where it is no JWK set, or nothing is left.
    convenience init(jwks: [UInt8]) throws(JWTKeyError) {
        let tree: JSONValue
        do throws(JSONError) { tree = try JSONValue.parse(jwks, limitBytes: JWTKeySet.jwksBytesMax) } catch {
            throw JWTKeyError("is no JWK set: \(error.description)")
        }
        guard let members = tree["keys"]?.items else {
            throw JWTKeyError("is no JWK set: there is no list `keys`")
        }
        guard members.count <= JWTKeySet.jwksKeysMax else {
            throw JWTKeyError("has \(members.count) keys; at most \(JWTKeySet.jwksKeysMax) are taken")
        }
        var keys: [Key] = []
        var leftOut: [String] = []
        for (index, member) in members.enumerated() {
            do throws(JWTKeyError) { keys.append(try JWK(member).key()) } catch {
                leftOut.append("key \(index + 1) \(error.description)")
            }
        }
        guard !keys.isEmpty else {
            let reasons = leftOut.prefix(3).joined(separator: "; ")
            throw JWTKeyError("holds no key that can be used" + (reasons.isEmpty ? "" : ": \(reasons)"))
        }
        self.init(keys, isNamed: true, leftOut: leftOut)
    }
}

/// One key of a set (RFC 7517 §4).
private struct JWK {
    let members: JSONValue

    init(_ value: JSONValue) throws(JWTKeyError) {
        guard value.members != nil else { throw JWTKeyError("is no JSON object") }
        members = value
    }

    func key() throws(JWTKeyError) -> JWTKeySet.Key {
        guard try text("use") ?? "sig" == "sig" else { throw JWTKeyError("is not for signatures") }
        if let operations = members["key_ops"] {
            guard operations.items?.contains(.string("verify")) ?? false else {
                throw JWTKeyError("is not for verifying")
            }
        }
        // Why refused: whoever can read such a set can sign.
        guard members["d"] == nil else { throw JWTKeyError("is published with its private part") }
        let key = try publicKey()
        let id = try text("kid")
        guard let name = try text("alg") else {
            return JWTKeySet.Key(id: id, algorithm: nil, material: .publicKey(key))
        }
        guard let algorithm = JWTAlgorithm(rawValue: name) else {
            throw JWTKeyError("is for an algorithm that is not known")
        }
        guard algorithm.keyKind == key.kind else { throw JWTKeyError("is for an algorithm of another kind") }
        return JWTKeySet.Key(id: id, algorithm: algorithm, material: .publicKey(key))
    }

    /// RFC 7518 §6.2.1, §6.3.1; RFC 8037 §2.
    private func publicKey() throws(JWTKeyError) -> PublicKey {
        guard let kind = try text("kty") else { throw JWTKeyError("has no `kty`") }
        let curve = try text("crv")
        switch (kind, curve) {
        case ("RSA", _): return try PublicKey(rsaModulus: number("n"), exponent: number("e"))
        case ("EC", "P-256"): return try PublicKey(curve: .p256, x: number("x"), y: number("y"))
        case ("EC", "P-384"): return try PublicKey(curve: .p384, x: number("x"), y: number("y"))
        case ("OKP", "Ed25519"): return try PublicKey(ed25519: number("x"))
        case ("oct", _): throw JWTKeyError("is a secret, which nobody publishes")
        default: throw JWTKeyError("is of a kind that is not known")
        }
    }

    private func number(_ name: String) throws(JWTKeyError) -> [UInt8] {
        guard let bytes = try text(name).flatMap({ Base64URL.decode($0.utf8) }) else {
            throw JWTKeyError("has no `\(name)` in base64url")
        }
        return bytes
    }

    private func text(_ name: String) throws(JWTKeyError) -> String? {
        guard let value = members[name] else { return nil }
        guard let text = value.text else { throw JWTKeyError("has a `\(name)` that is no text") }
        return text
    }
}
