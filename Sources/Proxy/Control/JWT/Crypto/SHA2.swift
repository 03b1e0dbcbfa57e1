import COpenSSL
import Stores

/// A hash of FIPS 180-4.
enum SHA2: Sendable {
    case sha256, sha384, sha512

    var sizeBytes: Int {
        switch self {
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    /// A constant of the library's.
    var function: OpaquePointer? {
        switch self {
        case .sha256: EVP_sha256()
        case .sha384: EVP_sha384()
        case .sha512: EVP_sha512()
        }
    }

    /// HMAC of `message` (RFC 2104).
    func authenticationCode(_ message: [UInt8], key: Secret) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: sizeBytes)
        let key = key.reveal()
        var count: UInt32 = 0
        let result = HMAC(function, key, Int32(clamping: key.count), message, message.count, &code, &count)
        precondition(result != nil && Int(count) == code.count, "HMAC with SHA-2 cannot fail but for memory")
        return code
    }
}

/// - Returns: bytes that nobody can guess. The C call is `RAND_bytes(3)`.
func randomBytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let result = RAND_bytes(&bytes, Int32(clamping: count))
    precondition(result == 1, "without random numbers nothing is secret")
    return bytes
}
