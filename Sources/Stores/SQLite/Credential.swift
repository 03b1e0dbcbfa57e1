/// What is made by chance: credentials and public ids, from the system's generator.
enum Credential {
    /// Letters and digits after the prefix: 190 bits.
    static let randomCount = 32
    /// Of those, how many `list` shows; 142 bits stay secret.
    static let shownCount = 8

    /// - Returns: the credential and the beginning of it that may be shown.
    static func make(prefix: String) -> (secret: Secret, shownPrefix: String) {
        // Why `random(in:)`: it draws again rather than favour the first characters of the alphabet.
        let random = (0..<randomCount).map { _ in alphabet[Int.random(in: alphabet.indices)] }
        let shown = prefix + String(decoding: random.prefix(shownCount), as: UTF8.self)
        return (Secret(Array(prefix.utf8) + random), shown)
    }

    /// What the credential with this shown beginning was made with.
    static func prefix(ofShown shown: String) -> String { String(shown.dropLast(shownCount)) }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
}

enum PublicID {
    /// A random UUID (version 4, RFC 9562 §5.4).
    static func uuid() -> String {
        var bytes = randomBytes(16)
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        let hex = Array(hexadecimal(bytes))
        let groups = [hex[0..<8], hex[8..<12], hex[12..<16], hex[16..<20], hex[20..<32]]
        return groups.map { String($0) }.joined(separator: "-")
    }

    /// 24 hex digits, seconds first, as an ObjectId.
    static func objectID(now: Int64) -> String {
        let seconds = UInt32(truncatingIfNeeded: now)
        let time = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: seconds >> UInt32($0)) }
        return hexadecimal(time + randomBytes(8))
    }

    private static func randomBytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max) }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
