import CCrypt
import COpenSSL
import Glibc

/// bcrypt by `crypt_r(3)`. Takes tens to hundreds of milliseconds: never on a worker or a store's thread.
public enum PasswordHash {
    public static let costDefault = 10
    /// Costs that are taken: 2ⁿ rounds.
    public static let costs = 4...31

    /// `$2b$…`. Passwords over 72 bytes go through SHA-256 and base64 first, because bcrypt stops there; and
    /// those with a zero byte, because the C call stops there.
    public static func make(_ password: [UInt8], cost: Int = costDefault) -> String {
        precondition(costs.contains(cost))
        guard let hash = crypt(password, setting: setting(cost: cost, salt: RandomText.bytes(saltCount)))
        else {
            fatalError("crypt_r knows no bcrypt")
        }
        return hash
    }

    /// - Parameters:
    ///   - hash: as made here or by others (`$2a$`, `$2b$`, `$2y$`). nil, nothing of that form, or one of a
    ///     cost over `costMax`: false, and it takes as long as if there were one.
    ///   - cost: of the one that is not there. One that is there and costs less takes as long.
    public static func verify(_ password: [UInt8], _ hash: String?, cost: Int = costDefault) -> Bool {
        precondition(costs.contains(cost))
        guard let hash, let found = self.cost(of: hash), found <= costMax(configured: cost) else {
            spend(cost, on: password)
            return false
        }
        spend(from: found, to: cost, on: password)
        guard let found = crypt(password, setting: hash) else { return false }
        return constantTimeEqual(Array(found.utf8), Array(hash.utf8))
    }

    /// Takes the time by which a hash of the higher cost takes longer than one of the lower.
    public static func spend(from lower: Int, to higher: Int, on password: [UInt8]) {
        // 2ⁿ rounds, and 2ⁿ + 2ⁿ⁺¹ + … up to the cost before, make those of the cost.
        for missing in lower..<max(lower, higher) { spend(missing, on: password) }
    }

    private static func spend(_ cost: Int, on password: [UInt8]) {
        let nobody = setting(cost: cost, salt: [UInt8](repeating: 0, count: saltCount))
        _ = crypt(password, setting: nobody)
    }

    /// The cost of hashes that are compared with. Why a bound: each more takes twice as long, 31 takes a day,
    /// and others wait.
    /// - Parameter cost: of new ones.
    public static func costMax(configured cost: Int) -> Int { max(cost, costDefault) + 3 }

    /// nil: no bcrypt.
    public static func cost(of hash: String) -> Int? {
        isBcrypt(hash) ? Int(hash.dropFirst(4).prefix(2)) : nil
    }

    /// Whether it has the form of a hash that `verify` can compare with.
    public static func isBcrypt(_ hash: String) -> Bool {
        let bytes = Array(hash.utf8)
        guard bytes.count == hashCount, ["$2a$", "$2b$", "$2y$"].contains(String(hash.prefix(4))),
            bytes[4] != UInt8(ascii: "+"), let cost = Int(hash.dropFirst(4).prefix(2)),
            costs.contains(cost), bytes[6] == UInt8(ascii: "$")
        else { return false }
        return bytes[7...].allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"):
                true
            default: false
            }
        }
    }

    private static let saltCount = 16
    private static let hashCount = 60
    /// What bcrypt looks at.
    private static let passwordCountMax = 72

    private static func setting(cost: Int, salt: [UInt8]) -> String {
        var text = [CChar](repeating: 0, count: Int(CRYPT_GENSALT_OUTPUT_SIZE))
        let made = salt.withUnsafeBytes { salt in
            salt.withMemoryRebound(to: CChar.self) { salt in
                crypt_gensalt_rn(
                    "$2b$", UInt(cost), salt.baseAddress, Int32(salt.count), &text, Int32(text.count))
            }
        }
        precondition(made != nil, "crypt_gensalt_rn knows no bcrypt")
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// - Returns: nil: the setting is not one.
    private static func crypt(_ password: [UInt8], setting: String) -> String? {
        let isPlain = password.count <= passwordCountMax && !password.contains(0)
        var phrase = (isPlain ? password : base64(sha256(password))).map { CChar(bitPattern: $0) } + [0]
        // Why allocated: 32 KiB are much for a thread's stack.
        let work = UnsafeMutablePointer<crypt_data>.allocate(capacity: 1)
        memset(work, 0, MemoryLayout<crypt_data>.size)
        defer {
            explicit_bzero(&phrase, phrase.count)
            explicit_bzero(work, MemoryLayout<crypt_data>.size)
            work.deallocate()
        }
        guard let hash = crypt_r(phrase, setting, work) else { return nil }
        let text = String(cString: hash)
        // Failures begin with `*`.
        return text.hasPrefix("$2") ? text : nil
    }

    private static func base64(_ bytes: [UInt8]) -> [UInt8] {
        var text = [UInt8](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
        let count = EVP_EncodeBlock(&text, bytes, Int32(bytes.count))
        return Array(text.prefix(Int(count)))
    }
}
