/// Classes of bytes that the scalar grammars share.
enum ASCII {
    static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
    static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A
    }

    static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        case _: nil
        }
    }

    /// RFC 9110 §5.6.2 `token`: what methods and field names are made of.
    static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { isLetterOrDigit($0) || tokenMarks.contains($0) }
    }
    private static let tokenMarks = Set("!#$%&'*+-.^_`|~".utf8)

    /// A decimal number without sign or leading zeros; nil for anything else or above `max`.
    static func number(_ text: some StringProtocol, max: UInt64) -> UInt64? {
        guard !text.isEmpty, text.utf8.allSatisfy(isDigit), text.utf8.count == 1 || text.utf8.first != 0x30
        else { return nil }
        guard let value = UInt64(text), value <= max else { return nil }
        return value
    }

    static func lowercased(_ text: String) -> String {
        String(decoding: text.utf8.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }, as: UTF8.self)
    }
}
