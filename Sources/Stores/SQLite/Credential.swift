/// What is made by chance: credentials and public ids, from the system's generator.
enum Credential {
    /// Letters and digits after the prefix: 190 bits.
    static let randomCount = 32
    /// Of those, how many `list` shows; 142 bits stay secret.
    static let shownCount = 8

    /// - Returns: the credential and the beginning of it that may be shown.
    static func make(prefix: String) -> (secret: Secret, shownPrefix: String) {
        let random = RandomText.lettersAndDigits(randomCount)
        return (Secret(prefix + random), prefix + random.prefix(shownCount))
    }

    /// The beginning of a credential that was made elsewhere, as it may be shown: what stands up to its first
    /// `_`, if that is near, and the 8 characters after it; never more than half of it.
    static func shownPrefix(of credential: String) -> String {
        let mark = credential.prefix(8).firstIndex(of: "_")
        let start = mark.map { credential.index(after: $0) } ?? credential.startIndex
        let count = credential.distance(from: credential.startIndex, to: start) + shownCount
        return String(credential.prefix(min(count, credential.count / 2)))
    }

    /// What the credential with this shown beginning was made with.
    static func prefix(ofShown shown: String) -> String { String(shown.dropLast(shownCount)) }
}

enum PublicID {
    /// A random UUID (version 4, RFC 9562 §5.4).
    static func uuid() -> String {
        var bytes = RandomText.bytes(16)
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        let hex = Array(lowercaseHex(bytes))
        let groups = [hex[0..<8], hex[8..<12], hex[12..<16], hex[16..<20], hex[20..<32]]
        return groups.map { String($0) }.joined(separator: "-")
    }

    /// 8, 4, 4, 4 and 12 hex digits.
    static func isUUID(_ text: String) -> Bool {
        let groups = text.split(separator: "-", omittingEmptySubsequences: false)
        return groups.map(\.utf8.count) == [8, 4, 4, 4, 12] && groups.allSatisfy { $0.utf8.allSatisfy(isHex) }
    }

    /// 24 hex digits.
    static func isObjectID(_ text: String) -> Bool { text.utf8.count == 24 && text.utf8.allSatisfy(isHex) }

    /// Lower case, as it is made here: two writings of one id would be two ids.
    private static func isHex(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    /// 24 hex digits, seconds first, as an ObjectId.
    static func objectID(now: Int64) -> String {
        let seconds = UInt32(truncatingIfNeeded: now)
        let time = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: seconds >> UInt32($0)) }
        return lowercaseHex(time) + RandomText.hex(8)
    }
}
