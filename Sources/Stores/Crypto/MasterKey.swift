import COpenSSL

/// 32 bytes that upstream keys are sealed with (AES-256-GCM, NIST SP 800-38D). Known by an id that is no
/// secret.
public final class MasterKey: Sendable {
    /// First 8 hex digits of the SHA-256 of the key.
    public let id: String
    private let secret: Secret

    static let byteCount = 32

    /// - Parameter text: 64 hex digits, or base64 of 32 bytes (its url form as well), as a file or variable
    ///   holds it; blanks around it do not count.
    /// - Throws: `.cannotSeal` with a message that does not quote it.
    public init(_ text: Secret) throws(StoreError) {
        let isBlank = { (byte: UInt8) in byte == 0x20 || (0x09...0x0D).contains(byte) }
        let digits = text.reveal().drop(while: isBlank).reversed().drop(while: isBlank).reversed()
        let shown = String(decoding: digits, as: UTF8.self)
        guard let key = hexBytes(shown) ?? MasterKey.base64Bytes(Array(digits)),
            key.count == MasterKey.byteCount
        else {
            throw .cannotSeal("the master key must be 64 hex digits, or base64 of 32 bytes")
        }
        secret = Secret(key)
        id = lowercaseHex(sha256(key).prefix(4))
    }

    /// From the system's generator, as 64 hex digits.
    public static func generate() -> Secret { Secret(RandomText.hex(byteCount)) }

    /// Version (1 byte), key id (8), nonce (12), ciphertext, tag (16). Version and id are bound to it too.
    ///
    /// Why a random nonce: keys of users are few, and 2³² of them (§8.3) will never be.
    /// - Parameter context: bound to it (row and column), so that blobs cannot be swapped.
    func seal(_ secret: Secret, context: String) -> [UInt8] {
        let header = [MasterKey.version] + Array(id.utf8)
        let nonce = RandomText.bytes(MasterKey.nonceCount)
        let cipher = GCM(key: self.secret, nonce: nonce, isSealing: true)
        cipher.bind(header + Array(context.utf8))
        let ciphertext = cipher.update(secret.reveal())
        return header + nonce + ciphertext + cipher.finalTag(MasterKey.tagCount)
    }

    /// - Throws: `.cannotSeal`: of another key, of another context, damaged.
    func open(_ blob: [UInt8], context: String) throws(StoreError) -> Secret {
        let headerCount = 1 + id.utf8.count
        let overhead = headerCount + MasterKey.nonceCount + MasterKey.tagCount
        guard blob.count >= overhead, blob[0] == MasterKey.version else {
            throw .cannotSeal("a sealed value is damaged, or was made by a newer headgate")
        }
        let header = Array(blob[..<headerCount])
        guard header.dropFirst().elementsEqual(id.utf8) else {
            let other = hexBytes(String(decoding: header.dropFirst(), as: UTF8.self))
            throw .cannotSeal(
                other.map { "sealed by the master key \(lowercaseHex($0)), this one is \(id)" }
                    ?? "a sealed value is damaged")
        }
        let nonce = Array(blob[headerCount..<headerCount + MasterKey.nonceCount])
        let cipher = GCM(key: secret, nonce: nonce, isSealing: false)
        cipher.bind(header + Array(context.utf8))
        let ciphertext = Array(blob[(headerCount + MasterKey.nonceCount)..<(blob.count - MasterKey.tagCount)])
        let plaintext = Secret(cipher.update(ciphertext))
        guard cipher.checks(tag: Array(blob.suffix(MasterKey.tagCount))) else {
            throw .cannotSeal("a sealed value is damaged, or belongs to another row")
        }
        return plaintext
    }

    private static let version: UInt8 = 1
    private static let nonceCount = 12
    private static let tagCount = 16

    /// Both alphabets of RFC 4648, padded or not.
    private static func base64Bytes(_ text: [UInt8]) -> [UInt8]? {
        var digits = text
        while digits.last == UInt8(ascii: "="), text.count - digits.count < 2 { digits.removeLast() }
        guard text.count == digits.count || text.count % 4 == 0, digits.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var bitCount = 0
        for digit in digits {
            guard let value = base64Digit(digit) else { return nil }
            bits = bits << 6 | value
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
            }
        }
        return bytes
    }

    private static func base64Digit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }
}

/// One message through AES-256-GCM.
private final class GCM {
    private let context: OpaquePointer
    private let isSealing: Bool

    init(key: Secret, nonce: [UInt8], isSealing: Bool) {
        guard let context = EVP_CIPHER_CTX_new() else { fatalError("out of memory") }
        self.context = context
        self.isSealing = isSealing
        check(EVP_CipherInit_ex(context, EVP_aes_256_gcm(), nil, key.reveal(), nonce, isSealing ? 1 : 0))
    }

    deinit { EVP_CIPHER_CTX_free(context) }

    func bind(_ data: [UInt8]) {
        var count: Int32 = 0
        check(EVP_CipherUpdate(context, nil, &count, data, Int32(data.count)))
    }

    func update(_ input: [UInt8]) -> [UInt8] {
        guard !input.isEmpty else { return [] }
        var output = [UInt8](repeating: 0, count: input.count)
        var count: Int32 = 0
        check(EVP_CipherUpdate(context, &output, &count, input, Int32(input.count)))
        return output
    }

    func finalTag(_ size: Int) -> [UInt8] {
        precondition(isSealing)
        check(finish())
        var tag = [UInt8](repeating: 0, count: size)
        check(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(size), &tag))
        return tag
    }

    func checks(tag: [UInt8]) -> Bool {
        precondition(!isSealing)
        var tag = tag
        check(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count), &tag))
        return finish() == 1
    }

    private func finish() -> Int32 {
        var rest = [UInt8](repeating: 0, count: 16)
        var count: Int32 = 0
        return EVP_CipherFinal_ex(context, &rest, &count)
    }

    /// Why a trap: with arguments that are right these fail for want of memory alone.
    private func check(_ result: Int32) { precondition(result == 1, "AES-GCM failed") }
}
