import COpenSSL

/// A public key that signatures are verified with. Any thread.
final class PublicKey: @unchecked Sendable {
    // Why @unchecked: the key is read only, which OpenSSL 3 allows from several threads.
    private let key: OpaquePointer
    let kind: JWTAlgorithm.KeyKind

    /// Least bits of an RSA modulus (RFC 7518 §3.3).
    static let rsaBitsMin: Int32 = 2048
    /// Most bits: beyond, one signature costs milliseconds.
    static let rsaBitsMax: Int32 = 8192

    /// Takes the key over, unless it is refused.
    private init(adopting key: OpaquePointer) throws(JWTKeyError) {
        do throws(JWTKeyError) { kind = try PublicKey.kind(of: key) } catch {
            EVP_PKEY_free(key)
            throw error
        }
        self.key = key
    }

    deinit { EVP_PKEY_free(key) }

    // MARK: Making

    /// PEM of a public key or a certificate; what stands around it is passed over.
    convenience init(pem: [UInt8]) throws(JWTKeyError) {
        ERR_clear_error()
        defer { ERR_clear_error() }
        guard let source = BIO_new_mem_buf(pem, Int32(clamping: pem.count)) else {
            throw JWTKeyError("there is no memory to read it")
        }
        defer { BIO_free(source) }
        if let key = PEM_read_bio_PUBKEY(source, nil, nil, nil) {
            try self.init(adopting: key)
            return
        }
        BIO_ctrl(source, BIO_CTRL_RESET, 0, nil)
        guard let certificate = PEM_read_bio_X509(source, nil, nil, nil) else {
            throw JWTKeyError("is no public key and no certificate in PEM form")
        }
        defer { X509_free(certificate) }
        guard let key = X509_get_pubkey(certificate) else {
            throw JWTKeyError("is a certificate with a key of a kind that is not known")
        }
        try self.init(adopting: key)
    }

    /// Both big-endian (RFC 8017 §3.1).
    convenience init(rsaModulus modulus: [UInt8], exponent: [UInt8]) throws(JWTKeyError) {
        // rsaEncryption (RFC 3279 §2.3.1), parameters NULL.
        let algorithm: [UInt8] = [
            0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00,
        ]
        let numbers = DER.sequence(DER.unsignedInteger(modulus), DER.unsignedInteger(exponent))
        try self.init(algorithm: algorithm, bits: numbers)
    }

    /// A point of P-256 or P-384; coordinates in their full size (RFC 7518 §6.2.1.2).
    convenience init(curve: JWTAlgorithm.KeyKind, x: [UInt8], y: [UInt8]) throws(JWTKeyError) {
        // id-ecPublicKey and the curve (RFC 5480 §2.1.1).
        let ecPublicKey: [UInt8] = [0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01]
        let name: [UInt8]
        let sizeBytes: Int
        switch curve {
        case .p256: (name, sizeBytes) = ([0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07], 32)
        case .p384: (name, sizeBytes) = ([0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22], 48)
        case .secret, .rsa, .ed25519: preconditionFailure("\(curve) is no curve with coordinates")
        }
        guard x.count == sizeBytes, y.count == sizeBytes else {
            throw JWTKeyError("has a coordinate that is not \(sizeBytes) bytes long")
        }
        try self.init(algorithm: DER.sequence(ecPublicKey, name), bits: [0x04] + x + y)
    }

    /// RFC 8032 §5.1.2.
    convenience init(ed25519 bytes: [UInt8]) throws(JWTKeyError) {
        guard bytes.count == 32 else { throw JWTKeyError("is not 32 bytes long") }
        // id-Ed25519 (RFC 8410 §3).
        try self.init(algorithm: DER.sequence([0x06, 0x03, 0x2B, 0x65, 0x70]), bits: bytes)
    }

    /// As a SubjectPublicKeyInfo (RFC 5280 §4.1): one way in for all kinds, with the checks of the library.
    private convenience init(algorithm: [UInt8], bits: [UInt8]) throws(JWTKeyError) {
        let encoded = DER.sequence(algorithm, DER.bitString(bits))
        ERR_clear_error()
        let key = encoded.withUnsafeBufferPointer { bytes in
            var position = bytes.baseAddress
            return d2i_PUBKEY(nil, &position, bytes.count)
        }
        ERR_clear_error()
        guard let key else { throw JWTKeyError("is no key of its kind") }
        try self.init(adopting: key)
    }

    private static func kind(of key: OpaquePointer) throws(JWTKeyError) -> JWTAlgorithm.KeyKind {
        switch EVP_PKEY_get_id(key) {
        case EVP_PKEY_RSA:
            let bits = EVP_PKEY_get_bits(key)
            guard bits >= rsaBitsMin else {
                throw JWTKeyError("has \(bits) bits; RSA keys need at least \(rsaBitsMin)")
            }
            guard bits <= rsaBitsMax else {
                throw JWTKeyError("has \(bits) bits; RSA keys may have at most \(rsaBitsMax)")
            }
            guard isSound(key) else { throw JWTKeyError("is no sound RSA key") }
            return .rsa
        case EVP_PKEY_EC:
            guard isSound(key) else { throw JWTKeyError("is no point of its curve") }
            var name = [CChar](repeating: 0, count: 64)
            EVP_PKEY_get_group_name(key, &name, name.count, nil)
            switch String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) {
            case "prime256v1": return .p256
            case "secp384r1": return .p384
            default: throw JWTKeyError("is of a curve other than P-256 and P-384")
            }
        case EVP_PKEY_ED25519: return .ed25519
        default: throw JWTKeyError("is of a kind other than RSA, EC and Ed25519")
        }
    }

    /// The numbers are what the kind asks for: a modulus that is no prime, an odd exponent over 1, a point on
    /// the curve. The C call is `EVP_PKEY_public_check(3)`.
    private static func isSound(_ key: OpaquePointer) -> Bool {
        defer { ERR_clear_error() }
        guard let context = EVP_PKEY_CTX_new(key, nil) else { return false }
        defer { EVP_PKEY_CTX_free(context) }
        return EVP_PKEY_public_check(context) == 1
    }

    // MARK: Verifying

    /// - Returns: false as well for an algorithm of another kind of key.
    func verifies(_ signature: [UInt8], of message: [UInt8], by algorithm: JWTAlgorithm) -> Bool {
        guard algorithm.keyKind == kind, let form = form(of: signature) else { return false }
        ERR_clear_error()
        // Why: a wrong signature leaves its reasons in this thread's queue, where the next call would find
        // them.
        defer { ERR_clear_error() }
        guard let digest = EVP_MD_CTX_new() else { return false }
        defer { EVP_MD_CTX_free(digest) }
        var context: OpaquePointer?
        guard EVP_DigestVerifyInit(digest, &context, algorithm.hash?.function, nil, key) == 1 else {
            return false
        }
        if algorithm == .ps256 {
            // RFC 7518 §3.5: MGF1 with the same hash, a salt as long as the hash.
            guard EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1,
                EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1
            else { return false }
        }
        return EVP_DigestVerify(digest, form, form.count, message, message.count) == 1
    }

    /// The signature as the library wants it; nil: its length is not that of the algorithm.
    private func form(of signature: [UInt8]) -> [UInt8]? {
        switch kind {
        case .p256: PublicKey.pairOfNumbers(signature, sizeBytes: 32)
        case .p384: PublicKey.pairOfNumbers(signature, sizeBytes: 48)
        case .rsa: signature.count == Int(EVP_PKEY_get_size(key)) ? signature : nil
        case .ed25519: signature.count == 64 ? signature : nil
        case .secret: nil
        }
    }

    /// R and S side by side (RFC 7518 §3.4) → Ecdsa-Sig-Value (RFC 3279 §2.2.3).
    private static func pairOfNumbers(_ signature: [UInt8], sizeBytes: Int) -> [UInt8]? {
        guard signature.count == 2 * sizeBytes else { return nil }
        return DER.sequence(
            DER.unsignedInteger(signature[..<sizeBytes]), DER.unsignedInteger(signature[sizeBytes...]))
    }
}
